using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeMm.Primitives;

namespace NativeMm.Heap;

/// <summary>
/// What one thread keeps of one heap: a magazine of free blocks for each size class, and copies of what the free path must know, so that both
/// paths reach everything through one pointer. Lives in unmanaged memory that is reused but never given back while the heap lives.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = Bytes)]
internal unsafe struct ThreadCache
{
    /// <summary>Size of a cache without the slots of its magazines.</summary>
    public const int Bytes = StackEntriesOffset + (Platform.ThreadEndWords.WordsMax * sizeof(ulong));

    private const int SmallOffset = CacheLine.Isolation;
    private const int RackOffset = SmallOffset + SmallTableBytes;

    /// <summary>The table of small classes, rounded up to whole lines.</summary>
    private const int SmallTableBytes = (SizeClass.SmallUnits + CacheLine.Isolation - 1) / CacheLine.Isolation * CacheLine.Isolation;
    private const int PositionsOffset = RackOffset + Magazine.RackBytes;
    private const int AllowancesOffset = PositionsOffset + (SizeClass.Count * sizeof(ulong));
    private const int StackEntriesOffset = AllowancesOffset + (SizeClass.Count * Allowance.Bytes);

    // Owner: nobody after construction.
    [FieldOffset(0)]
    public nuint BaseAddress;

    /// <summary>Length of the zone in units of 16 bytes.</summary>
    [FieldOffset(8)]
    public nuint ZoneUnits;

    /// <summary>The granule words of the zone.</summary>
    [FieldOffset(16)]
    public uint* Words;

    /// <summary>The heap's tag; a granule word XOR this is the size class if and only if the granule is this heap's.</summary>
    [FieldOffset(24)]
    public uint Tag;

    // Owner: the thread, under the guard.

    /// <summary>Counts refused pops and pushes: a clock that stands still while the thread stays within its magazines.</summary>
    [FieldOffset(32)]
    public uint Events;

    /// <summary>Bytes by which the capacities of all magazines exceed what they had at first.</summary>
    [FieldOffset(40)]
    public ulong EarnedBytes;

    // Owner: the thread. See StackPages.

    /// <summary>How often the thread entered a page of its stack.</summary>
    [FieldOffset(48)]
    public uint StackPages;

    /// <summary>How often it ran on a page that was not entered, once it had used up its words.</summary>
    [FieldOffset(52)]
    public uint StackMisses;

    // Owner: whoever is off the hit path. The guard of all magazines of this cache.
    [FieldOffset(64)]
    public SpinLock<NoLockStatistics> Guard;

    /// <summary>The class of each small size; see <see cref="SizeClass.FillSmall"/>. A copy for each thread, on the way to everything else.</summary>
    public static Span<byte> SmallClasses(ThreadCache* cache) => new((byte*)cache + SmallOffset, SizeClass.SmallUnits);

    /// <summary>The magazine of a class.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Magazine MagazineOf(ThreadCache* cache, nuint sizeClass) => Magazine.At((byte*)cache + RackOffset, sizeClass);

    /// <summary>The class for a size that goes by table.</summary>
    /// <param name="cache">The calling thread's cache.</param>
    /// <param name="bytes">0 to <see cref="SizeClass.SmallBytesMax"/>; 0 counts as 1.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static nuint SmallClassOf(ThreadCache* cache, nuint bytes) => ((byte*)cache + SmallOffset)[(bytes + 15) >> 4];

    /// <summary>Finds the class of a pointer that is being freed or resized, without any assumption about the pointer.</summary>
    /// <returns>False when the pointer cannot be the start of a block of this heap's slabs.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryClassOf(ThreadCache* cache, void* block, out nuint sizeClass)
    {
        ulong unit = SlabSpace.UnitOf(cache->BaseAddress, block);
        sizeClass = unit < cache->ZoneUnits ? SlabSpace.ClassAt((nuint)cache->Words, unit, cache->Tag) : SizeClass.Count;
        return sizeClass < SizeClass.Count;
    }

    /// <summary>Whether a magazine's top lies where it lay when this was last asked. Under the guard.</summary>
    public static bool RestsSinceLastLook(ThreadCache* cache, int sizeClass)
    {
        ref nuint seen = ref ((nuint*)((byte*)cache + PositionsOffset))[sizeClass];
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
    public static ref Allowance AllowanceOf(ThreadCache* cache, nuint sizeClass) =>
        ref ((Allowance*)((byte*)cache + AllowancesOffset))[sizeClass];

    /// <summary>Address of an entry of <see cref="Heap.StackPages"/> that the thread made, or 0. Owner, or whoever knows that the thread has ended.</summary>
    /// <param name="cache">A cache of the shared heap.</param>
    /// <param name="index">0 to <see cref="Platform.ThreadEndWords.WordsMax"/> − 1.</param>
    public static ref nuint StackEntry(ThreadCache* cache, int index) => ref ((nuint*)((byte*)cache + StackEntriesOffset))[index];
}
