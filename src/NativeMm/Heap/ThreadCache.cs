using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeMm.Diagnostics;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Heap;

/// <summary>
/// What one thread keeps of one heap: a magazine of free blocks for each size class, and copies of what the free path must know, so that both
/// paths reach everything through one pointer. Lives in unmanaged memory that is reused but never given back while the heap lives.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = Bytes)]
internal unsafe struct ThreadCache : IStackOwned<ThreadCache>
{
    /// <summary>Size of a cache without the slots of its magazines.</summary>
    public const int Bytes = StackHoldOffset + StackHold.Bytes;

    private const int RackOffset = CacheLine.Isolation;
    private const int PositionsOffset = RackOffset + Magazine.RackBytes;
    private const int GrowthPositionsOffset = PositionsOffset + (SizeClass.Count * sizeof(ulong));
    private const int AllowancesOffset = GrowthPositionsOffset + (SizeClass.Count * sizeof(ulong));
    private const int StackHoldOffset = AllowancesOffset + (SizeClass.Count * Allowance.Bytes);

    // Owner: nobody after construction.

    /// <summary>The top of the magazine at place 0, which is nobody's: above all limits, so that every push is refused.</summary>
    [FieldOffset(0)]
    public ulong NobodysTop;

    [FieldOffset(8)]
    public nuint BaseAddress;

    /// <summary>Length of the zone in units of 16 bytes.</summary>
    [FieldOffset(16)]
    public nuint ZoneUnits;

    /// <summary>The granule words of the zone.</summary>
    [FieldOffset(24)]
    public ulong* Words;

    /// <summary>The heap's tag; the owner of a granule XOR this is the size class if and only if the granule is this heap's.</summary>
    [FieldOffset(56)]
    public uint Tag;

    /// <summary>An odd number that no other cache of the heap has: what other structures keep for a thread may lie under it.</summary>
    [FieldOffset(60)]
    public int OddNumber;

    // Owner: the thread, under the guard.

    /// <summary>Counts refused pops and pushes: a clock that stands still while the thread stays within its magazines.</summary>
    [FieldOffset(32)]
    public uint Events;

    /// <summary>The class that the next look for capacity to take back begins with.</summary>
    [FieldOffset(36)]
    public uint TakeBackFrom;

    /// <summary>Bytes by which the capacities of all magazines exceed what they had at first.</summary>
    [FieldOffset(40)]
    public ulong EarnedBytes;

    // Owner: whoever is off the hit path. The guard of all magazines of this cache.
    [FieldOffset(64)]
    public SpinLock<NoLockStatistics> Guard;

    // Owner: the thread.

    /// <summary>Bytes of slabs that the thread made since it last looked for sizes that it does not use any more.</summary>
    [FieldOffset(48)]
    public ulong GrownBytes;

    /// <summary>How many make it look again.</summary>
    [FieldOffset(72)]
    public ulong GrownBytesMax;

    /// <summary>Its processor time at which its looks will have been their part of its time.</summary>
    [FieldOffset(80)]
    public long LooksPaidUntil;

    /// <summary>The elapsed time before which that cannot be.</summary>
    [FieldOffset(96)]
    public long NoLookUntil;

    /// <summary>Its processor time when the system was asked last; 0 if it never was.</summary>
    [FieldOffset(104)]
    public long CpuSeen;

    /// <summary>Whether a magazine could not earn capacity because all of them together have what they may have.</summary>
    [FieldOffset(88)]
    public bool IsShortOfCapacity;

    /// <summary>Where a class's magazine lies, in words from the cache's beginning: what both paths look up, so that nothing is left to add.</summary>
    public static byte PlaceOf(SizeClass sizeClass) => (byte)((RackOffset / sizeof(ulong)) + sizeClass.Value);

    /// <summary>The magazine at a place; at 0 it is nobody's, and refuses every push.</summary>
    /// <param name="cache">The calling thread's cache.</param>
    /// <param name="place">From <see cref="PlaceOf"/>, or 0.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Magazine MagazineAt(ThreadCache* cache, nuint place) => Magazine.At(cache, place);

    /// <summary>The magazine of a class.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Magazine MagazineOf(ThreadCache* cache, nuint sizeClass) => Magazine.At((byte*)cache + RackOffset, sizeClass);

    /// <summary>Finds the class of a pointer that is being freed or resized, without any assumption about the pointer.</summary>
    /// <returns>False when the pointer cannot be the start of a block of this heap's slabs.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryClassOf(ThreadCache* cache, void* block, out nuint sizeClass)
    {
        ulong unit = SlabSpace.UnitOf(cache->BaseAddress, block);
        sizeClass = unit < cache->ZoneUnits ? SlabSpace.ClassAt(cache->Words, unit, cache->Tag) : SizeClass.Count;
        return sizeClass < SizeClass.Count;
    }

    /// <summary>Whether a magazine's top lies where it lay when a trim pass last asked. Under the guard.</summary>
    public static bool RestsSinceLastLook(ThreadCache* cache, int sizeClass) => RestsSince(cache, PositionsOffset, sizeClass);

    /// <summary>Whether a magazine's top lies where it lay when its owner last looked for sizes that it does not use any more. Owner only.</summary>
    public static bool RestsSinceGrowth(ThreadCache* cache, int sizeClass) => RestsSince(cache, GrowthPositionsOffset, sizeClass);

    private static bool RestsSince(ThreadCache* cache, int positions, int sizeClass)
    {
        Invariant.Assert((uint)sizeClass < SizeClass.Count, $"The magazine of class {sizeClass} is looked at.");
        ref nuint seen = ref ((nuint*)((byte*)cache + positions))[sizeClass];
        nuint position = MagazineOf(cache, (nuint)sizeClass).Position;
        bool rests = seen == position;
        seen = position;
        return rests;
    }

    /// <summary>Folds where every magazine's top lies, and the count of refused pops and pushes, into a number. A stale word is there for the next look.</summary>
    public static ulong Mark(ThreadCache* cache, ulong mark)
    {
        mark = BitOperations.RotateLeft(mark, 7) ^ cache->Events;
        for (nuint sizeClass = 0; sizeClass < SizeClass.Count; sizeClass++)
        {
            mark = (BitOperations.RotateLeft(mark, 7) ^ MagazineOf(cache, sizeClass).Position) * 0x9E37_79B9_7F4A_7C15UL;
        }

        return mark;
    }

    /// <summary>The record of how a class came by its capacity. Owner, under the guard.</summary>
    public static ref Allowance AllowanceOf(ThreadCache* cache, nuint sizeClass)
    {
        Invariant.Assert(sizeClass < SizeClass.Count, $"The record of class {sizeClass} is looked at.");
        return ref ((Allowance*)((byte*)cache + AllowancesOffset))[sizeClass];
    }

    /// <inheritdoc/>
    public static StackHold* HoldOf(ThreadCache* owned) => (StackHold*)((byte*)owned + StackHoldOffset);
}
