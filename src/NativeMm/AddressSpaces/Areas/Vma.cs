using System.Runtime.InteropServices;
using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <summary>
/// One area of an address space: pages side by side with one protection. Immutable once it is published, but for <see cref="State"/>: what changes gets
/// another record. Records lie in memory that stays until the space ends, and are used again only after an epoch; who it is say the pointer and the
/// generation in <see cref="State"/> together.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = Bytes)]
internal unsafe struct Vma
{
    /// <summary>Size of a record: a line.</summary>
    public const int Bytes = 64;

    // Owner: whoever holds the space's lock as its writer, before the record is published.
    [FieldOffset(0)]
    public ulong Start;

    [FieldOffset(8)]
    public ulong End;

    [FieldOffset(16)]
    public byte ProtectionByte;

    [FieldOffset(18)]
    public VmaFlags Flags;

    // Owner: whoever holds the space's lock as its writer, release; read by every fault, acquire, under the lock of the leaf that it installs in.
    [FieldOffset(24)]
    public ulong StateWord;

    // Owner: the store of the records: the next one in the list of free or retired ones.
    [FieldOffset(32)]
    public Vma* Next;

    /// <summary>What may be done with its pages.</summary>
    public readonly Protection Protection => (Protection)ProtectionByte;

    /// <summary>Its pages.</summary>
    public readonly VpnRange Range => new(Start, End);

    /// <summary>Its state, as it is at this moment.</summary>
    public readonly VmaState State => new(Atomic.LoadAcquire(in StateWord));
}
