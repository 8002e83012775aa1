namespace NativeMm.AddressSpaces;

/// <summary>Outcome of <see cref="ISwapBackend.Load"/>.</summary>
/// <param name="kind">What became of the page.</param>
/// <param name="errno">The system's error number when the device failed; 0 when it gave fewer bytes than were stored, and for any other outcome.</param>
/// <param name="thrown">What the codec threw; null for any other outcome.</param>
internal readonly struct SwapLoad(SwapLoadKind kind, int errno = 0, Exception? thrown = null)
{
    /// <summary>The page is loaded.</summary>
    public static readonly SwapLoad Loaded;

    /// <summary>The page is corrupted.</summary>
    public static readonly SwapLoad Corrupted = new(SwapLoadKind.Corrupted);

    /// <summary>What became of the page.</summary>
    public SwapLoadKind Kind { get; } = kind;

    /// <summary>The system's error number when the device failed.</summary>
    public int Errno { get; } = errno;

    /// <summary>What the codec threw.</summary>
    public Exception? Thrown { get; } = thrown;

    /// <summary>Whether the page is what was stored.</summary>
    public bool Succeeded => Kind == SwapLoadKind.Loaded;
}
