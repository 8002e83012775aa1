using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Zsmalloc;

/// <summary>
/// Descriptor of one zspage: two cache lines, so that the pins of one are no matter of the next; the numbers of its frames follow the fields. Type-stable: a reader may touch
/// the pins of one that is long gone.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = Bytes)]
internal unsafe struct Zspage
{
    /// <summary>Bytes of the fields, without the frames.</summary>
    public const int Bytes = 32;

    /// <summary>The end of a chain of free slots.</summary>
    public const ushort NoSlot = ushort.MaxValue;

    /// <summary>The content is being moved: nobody new may look.</summary>
    public const uint Frozen = 1u << 31;

    /// <summary>The zspage is empty: the last one to let go frees it.</summary>
    public const uint Deferred = 1u << 30;

    private const uint PinMask = Deferred - 1;

    // Anybody: locked adds and compare-and-swap. Frozen is set and cleared under the lock of the shard.
    [FieldOffset(0)]
    public uint Pins;

    // Written under the lock of the shard it names, and of the one it named before; read by anybody. 0 for a zspage that does not live.
    [FieldOffset(4)]
    public uint ShardPlusOne;

    // The rest: under the lock of the shard.
    [FieldOffset(8)]
    public ushort InUse;

    [FieldOffset(10)]
    public ushort FreeSlot;

    // Slots from here on were never used.
    [FieldOffset(12)]
    public ushort Fresh;

    [FieldOffset(14)]
    public byte Group;

    // Off the lists: a compactor fills or empties it.
    [FieldOffset(15)]
    public bool IsIsolated;

    [FieldOffset(16)]
    public uint Next;

    [FieldOffset(20)]
    public uint Previous;

    [FieldOffset(24)]
    public ulong HugeHead;

    /// <summary>The frames, in order.</summary>
    public static uint* FramesOf(Zspage* zspage) => (uint*)(zspage + 1);

    /// <summary>Whether anybody reads or writes it at this moment.</summary>
    public static bool IsPinned(Zspage* zspage) => (Atomic.LoadAcquire(ref zspage->Pins) & PinMask) != 0;

    /// <summary>Keeps the content where it is, unless it is being moved.</summary>
    /// <returns>
    /// False while it is being moved. The pin is there all the same and has to be ended as any other: between the thaw and its end somebody may have
    /// found the zspage empty and pinned, and left its freeing to the last one who lets go.
    /// </returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryPin(Zspage* zspage) => (Atomic.Add(ref zspage->Pins, 1) & Frozen) == 0; // [Z1] pairs with [Z2]

    /// <summary>Ends a pin.</summary>
    /// <returns>Whether the caller is the one who must see to the deferred freeing.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Unpin(Zspage* zspage)
    {
        Invariant.Assert(IsPinned(zspage), "A pin of a zspage ends that nobody has.");
        return Atomic.Add(ref zspage->Pins, uint.MaxValue) == Deferred;
    }

    /// <summary>Keeps readers out, if there are none. Under the lock of the shard.</summary>
    /// <param name="zspage">The zspage.</param>
    /// <param name="otherwise">What to set when there are readers: 0 or <see cref="Deferred"/>.</param>
    public static bool TryFreeze(Zspage* zspage, uint otherwise)
    {
        while (true)
        {
            uint pins = Atomic.LoadAcquire(ref zspage->Pins);
            Invariant.Assert((pins & Frozen) == 0, $"A zspage with the pins {pins:x} is frozen twice.");
            bool free = (pins & PinMask) == 0;
            if (Atomic.CompareExchange(ref zspage->Pins, pins, free ? pins | Frozen : pins | otherwise)) // [Z2] pairs with [Z1]
            {
                return free;
            }
        }
    }

    /// <summary>Lets readers in again.</summary>
    public static void Thaw(Zspage* zspage, uint flags = Frozen)
    {
        Invariant.Assert(flags != Frozen || (Atomic.LoadAcquire(ref zspage->Pins) & Frozen) != 0, "A zspage is thawed that is not frozen.");
        Atomic.And(ref zspage->Pins, ~flags);
    }
}
