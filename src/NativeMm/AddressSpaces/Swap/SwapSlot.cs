namespace NativeMm.AddressSpaces;

/// <summary>
/// Numbers of an <see cref="ISwapBackend"/>. A slot has 40 bits, so that a page table entry has room for it, for its kind, and for the
/// <see cref="Eviction.IReplacementPolicy">history</see> of the page.
/// </summary>
internal static class SwapSlot
{
    /// <summary>Bits of a slot.</summary>
    public const int Bits = 40;

    /// <summary>The largest slot.</summary>
    public const ulong Max = (1UL << Bits) - 1;

    /// <summary>Not a slot: there was no room for the page, or the device failed. It might be stored later.</summary>
    public const ulong NoRoom = 0;

    /// <summary>Not a slot: the page does not compress, and nobody keeps such pages. It is not worth another attempt until it changes.</summary>
    public const ulong Incompressible = ulong.MaxValue;

    /// <summary>Most pages of one batch.</summary>
    public const int BatchMax = 256;

    /// <summary>Whether a page was stored.</summary>
    public static bool IsStored(ulong slot) => slot - 1 < Max;
}
