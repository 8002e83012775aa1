namespace NativeMm.Buffers;

/// <summary>
/// A page of a <see cref="CompressedPageStore"/> is not what was stored: its bytes were overwritten, or the codec does not restore what it
/// compressed. No other page is concerned.
/// </summary>
public sealed class PageCorruptedException : Exception
{
    /// <summary>Makes an exception without a message.</summary>
    public PageCorruptedException()
    {
    }

    /// <summary>Makes an exception with a message.</summary>
    /// <param name="message">Which page, and what was seen.</param>
    public PageCorruptedException(string message)
        : base(message)
    {
    }

    /// <summary>Makes an exception with a message and a cause.</summary>
    /// <param name="message">Which page, and what was seen.</param>
    /// <param name="innerException">What led there.</param>
    public PageCorruptedException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Makes an exception that names the page.</summary>
    /// <param name="key">The page's key.</param>
    /// <param name="message">Names the key and what was found.</param>
    public PageCorruptedException(ulong key, string message)
        : base(message)
    {
        Key = key;
    }

    /// <summary>The key of the corrupted page.</summary>
    public ulong Key { get; }
}
