using System.Runtime.InteropServices;
using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <summary>
/// One area of an address space: pages side by side with one protection. Immutable once it is published, but for <see cref="State"/>: what changes gets
/// another record. Records lie in memory that stays until the space ends, and are used again only after an epoch; who it is say the pointer and the
/// generation in <see cref="State"/> together.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = Bytes)]
internal struct Vma
{
    /// <summary>Size of a record: a line.</summary>
    public const int Bytes = 64;

    // Owner: whoever is the writer of the space, before the record is published.
    [FieldOffset(0)]
    public ulong Start;

    // Owner: the store of the records. The next one in a list of free or retired ones.
    [FieldOffset(LinkList.LinkOffset)]
    public nuint Next;

    // Owner: whoever is the writer of the space, before the record is published.
    [FieldOffset(16)]
    public ulong End;

    [FieldOffset(24)]
    public byte ProtectionByte;

    [FieldOffset(26)]
    public VmaFlags Flags;

    // Owner: whoever is the writer of the space, release; read by every fault, acquire, under the lock of the leaf that it installs in.
    [FieldOffset(32)]
    public ulong StateWord;

    /// <summary>What may be done with its pages.</summary>
    public readonly Protection Protection => (Protection)ProtectionByte;

    /// <summary>Its pages.</summary>
    public readonly VpnRange Range => new(Start, End);

    /// <summary>Its state, as it is at this moment.</summary>
    public readonly VmaState State => new(Atomic.LoadAcquire(in StateWord)); // [V2] pairs with [V1]

    /// <summary>What it is, without who it is.</summary>
    public readonly AreaSpec Spec => new(Range, Protection, Flags);

    /// <summary>Whether the area is still what it was when its state was read, so that a page may be installed by it.</summary>
    /// <param name="seen">The state that was read when it was found.</param>
    public readonly bool IsStill(VmaState seen) => State == seen && !seen.IsDetached;

    /// <summary>Makes a free record one of an area. The caller publishes it afterwards.</summary>
    public void Begin(AreaSpec spec)
    {
        Start = spec.Pages.Start;
        End = spec.Pages.End;
        ProtectionByte = (byte)spec.Protection;
        Flags = spec.Flags;
        Atomic.StoreRelease(ref StateWord, new VmaState(StateWord).Take().Value);
    }

    /// <summary>Says that nothing may be installed by this record any more.</summary>
    public void Detach()
    {
        Invariant.Assert(!State.IsDetached, $"The area {Range} is detached twice.");
        Atomic.StoreRelease(ref StateWord, new VmaState(StateWord).Detach().Value); // [V1] pairs with [V2]
    }
}
