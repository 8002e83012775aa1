namespace NativeMm.Platform;

/// <summary>
/// A file that pages are written to and read from by position. Each call is one attempt, which may come short; none throws. Thread-safe, except
/// <see cref="IDisposable.Dispose"/>. Offsets and addresses are multiples of 4096.
/// </summary>
internal interface IBackingFile : IDisposable
{
    /// <summary>Bytes of a page.</summary>
    const int PageBytes = 4096;

    /// <summary>Most pages of one write.</summary>
    const int WritePagesMax = 256;

    /// <summary>Whether reads and writes go past the system's page cache.</summary>
    bool IsDirect { get; }

    /// <summary>Writes pages one behind the other.</summary>
    /// <param name="pages">Their addresses, 1 to <see cref="WritePagesMax"/>.</param>
    /// <param name="offset">Where the first goes, in bytes.</param>
    /// <param name="written">Bytes that were written, from the first on.</param>
    PlatformResult Write(ReadOnlySpan<nint> pages, long offset, out long written);

    /// <summary>Reads one page.</summary>
    /// <param name="destination">Where it goes.</param>
    /// <param name="offset">Where it lies, in bytes.</param>
    /// <param name="read">Bytes that were read; fewer than a page behind the end of the file.</param>
    PlatformResult Read(nint destination, long offset, out int read);
}
