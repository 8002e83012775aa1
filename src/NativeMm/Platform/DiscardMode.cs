namespace NativeMm.Platform;

/// <summary>How the operating system takes the content of pages back.</summary>
public enum DiscardMode
{
    /// <summary>At once; the pages read as zero afterwards (<c>MADV_DONTNEED</c>).</summary>
    Now,

    /// <summary>When memory gets tight; until then the old content may still be read (<c>MADV_FREE</c>). Never known to be zero.</summary>
    WhenNeeded,
}
