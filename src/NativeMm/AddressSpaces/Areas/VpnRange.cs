namespace NativeMm.AddressSpaces;

/// <summary>Pages of an address space that lie side by side, by their numbers: address / 4096.</summary>
/// <param name="Start">First page.</param>
/// <param name="End">The page behind the last one.</param>
internal readonly record struct VpnRange(ulong Start, ulong End)
{
    /// <summary>How many pages.</summary>
    public ulong Pages => End - Start;

    /// <summary>Whether there is none.</summary>
    public bool IsEmpty => End <= Start;

    /// <summary>Whether a page is one of them.</summary>
    public bool Contains(ulong page) => page >= Start && page < End;

    /// <summary>The pages that both have; empty when there are none.</summary>
    public VpnRange Intersect(VpnRange other)
    {
        ulong start = ulong.Max(Start, other.Start);
        return new VpnRange(start, ulong.Max(start, ulong.Min(End, other.End)));
    }

    /// <inheritdoc/>
    public override string ToString() => $"0x{Start << 12:x}–0x{End << 12:x}";
}
