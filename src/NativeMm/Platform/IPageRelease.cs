namespace NativeMm.Platform;

/// <summary>
/// Gives the pages of much memory back before its addresses go: in steps, because a call that takes a large mapping away as a whole keeps the map of the process locked for
/// long. Never fails; what is refused goes with the addresses.
/// </summary>
internal interface IPageRelease
{
    /// <summary>Gives the pages of a range back that nobody uses any more, if they are enough to be worth it.</summary>
    /// <param name="address">First byte, at a page.</param>
    /// <param name="bytes">Length in whole pages.</param>
    /// <returns>False when somebody stopped it between two steps.</returns>
    bool Release(nuint address, nuint bytes);

    /// <summary>The same for a piece of a memory file.</summary>
    /// <param name="file">The file.</param>
    /// <param name="offset">First byte, at a page.</param>
    /// <param name="bytes">Length in whole pages.</param>
    /// <returns>False when somebody stopped it between two steps.</returns>
    bool ReleaseFile(int file, nuint offset, nuint bytes);

    /// <summary>Gives the pages of many ranges back whose addresses stay in use, with few calls, none of which keeps the map of the process locked for long.</summary>
    /// <returns>Success when all of it went back.</returns>
    PlatformResult Discard(ReadOnlySpan<AddressRange> ranges, DiscardMode mode);

    /// <summary>Whether so many bytes are worth more than one thread.</summary>
    bool IsWorth(ulong bytes);

    /// <summary>Has the steps of a work made by as many threads as bring something, the caller among them, and returns when it is over.</summary>
    /// <param name="work">The work.</param>
    /// <param name="bytes">About how much it is.</param>
    /// <returns>False when there was no managed memory to begin with; no step was made.</returns>
    /// <exception cref="Exception">The first exception of a step.</exception>
    bool TryShare(IStepwiseWork work, ulong bytes);
}
