using System.Diagnostics.CodeAnalysis;

namespace NativeMm.AddressSpaces;

/// <summary>
/// A page that had left memory cannot be brought back: where it was kept is corrupted, its device failed, or its codec threw, which is the <see cref="Exception.InnerException"/> then. Other pages
/// are not concerned.
/// </summary>
[SuppressMessage("Design", "CA1032:Implement standard exception constructors", Justification = "A page and a cause are what it is about.")]
public sealed class PageUnavailableException : Exception
{
    internal PageUnavailableException(long address, SwapLoad cause)
        : base($"The page at address 0x{address:x} cannot be brought back: {Describe(cause)}.", cause.Thrown)
    {
        Address = address;
        IsCorrupted = cause.Kind == SwapLoadKind.Corrupted;
        Errno = cause.Errno;
    }

    /// <summary>Address of the page's first byte in its space.</summary>
    public long Address { get; }

    /// <summary>Whether the page is not what was stored, and never will be. Otherwise another attempt may succeed.</summary>
    public bool IsCorrupted { get; }

    /// <summary>The system's error number, 0 when there is none.</summary>
    public int Errno { get; }

    private static string Describe(SwapLoad cause) => cause.Kind switch
    {
        SwapLoadKind.Corrupted => "what was kept of it is corrupted",
        SwapLoadKind.CodecFailed => $"its codec threw ({cause.Thrown?.GetType().Name}), and another attempt may succeed",
        _ when cause.Errno == 0 => "less than a page could be read of it, as from a file that somebody made shorter",
        _ => $"the device failed ({Platform.ErrorNumber.Describe(cause.Errno)})",
    };
}
