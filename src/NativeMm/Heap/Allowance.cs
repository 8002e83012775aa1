using System.Runtime.InteropServices;

namespace NativeMm.Heap;

/// <summary>
/// How one magazine came by its capacity. A magazine that runs dry shortly after it overflowed belongs to a thread that wants back what it had
/// to give away: its capacity doubles. One that rested for a whole trim pass falls back to what it had at first.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = Bytes)]
internal struct Allowance
{
    /// <summary>Size of a record.</summary>
    public const int Bytes = 16;

    /// <summary>How many events an overflow is remembered. Growth by copying frees each size once and does not come back within so few.</summary>
    public const uint EventsRemembered = 8;

    /// <summary>
    /// The same for a class of blocks of 4 KiB and more that share slabs, as long as the magazine holds no more than <see cref="BytesRemembered"/>: a program that allocates and frees
    /// many blocks of many sizes in turn hears of all other sizes before it comes back to one.
    /// </summary>
    public const uint EventsRememberedShared = 4096;

    /// <summary>Bytes up to which a magazine earns by the longer memory.</summary>
    public const ulong BytesRemembered = 256 << 10;

    /// <summary>When the magazine last refused a push since it last ran dry, in the cache's events; 0 for not at all.</summary>
    [FieldOffset(0)]
    public uint OverflowedAt;

    /// <summary>Slots that are attached.</summary>
    [FieldOffset(4)]
    public int Slots;

    /// <summary>Set by a trim pass that found the magazine at rest, cleared by the owner when it has fallen back.</summary>
    [FieldOffset(8)]
    public bool HasRested;

    /// <summary>The low half of where the magazine's top lay when its owner last looked for capacity to take back.</summary>
    [FieldOffset(12)]
    public uint SeenAt;
}
