namespace NativeMm.Buffers;

/// <summary>Why a <see cref="CompressedPageStore"/> did not take a page.</summary>
public enum PageRefusal
{
    /// <summary>It took the page.</summary>
    None,

    /// <summary>The page would need more frames than <see cref="CompressedPageStoreOptions.MemoryLimitBytes"/> allows.</summary>
    MemoryLimit,

    /// <summary>The runtime has no frame for the page, or no block for the table of keys.</summary>
    OutOfMemory,
}
