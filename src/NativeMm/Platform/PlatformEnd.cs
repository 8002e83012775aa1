namespace NativeMm.Platform;

/// <summary>Giving memory back where nothing may fail any more.</summary>
internal static class PlatformEnd
{
    /// <summary>
    /// Gives a range back, as <see cref="IMemoryPlatform.Release"/> does. A system that would have to cut a mapping in two, and may not have one more, refuses
    /// that: then the pages go back, and the addresses are lost to the process.
    /// </summary>
    /// <param name="platform">Where the range came from.</param>
    /// <param name="address">First byte.</param>
    /// <param name="bytes">Length of the whole range.</param>
    public static void ReleaseOrKeep(this IMemoryPlatform platform, nuint address, nuint bytes)
    {
        if (!platform.Release(address, bytes).Succeeded)
        {
            nuint page = platform.PageBytes;
            _ = platform.Discard(address, (bytes + page - 1) & ~(page - 1), DiscardMode.Now);
        }
    }
}
