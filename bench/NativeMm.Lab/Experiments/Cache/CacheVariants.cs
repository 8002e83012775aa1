namespace NativeMm.Lab.Experiments.Cache;

/// <summary>What the caches are called.</summary>
internal static class CacheVariants
{
    /// <summary>The library's.</summary>
    public static readonly Variant NativeMm = new("nativemm", "NativeCache; hits: its policy, with a table of what left") { IsOurs = true };

    /// <summary>The library's baseline.</summary>
    public static readonly Variant Clock = new("clock", "second chance (CLOCK); hits only");

    /// <summary>The textbook's.</summary>
    public static readonly Variant Lru = new("lru", "least recently used; hits only");

    /// <summary>Queues.</summary>
    public static readonly Variant S3Fifo = new("s3-fifo", "S3-FIFO as its paper has it; hits only");

    /// <summary>A peer.</summary>
    public static readonly Variant ConcurrentLru = new("concurrent-lru", "BitFaster.Caching's ConcurrentLru");

    /// <summary>A peer.</summary>
    public static readonly Variant ConcurrentLfu = new("concurrent-lfu", "BitFaster.Caching's ConcurrentLfu (W-TinyLFU)");

    /// <summary>The framework's.</summary>
    public static readonly Variant MemoryCache = new("memory-cache", "Microsoft.Extensions.Caching.Memory; not hits");

    /// <summary>All of them.</summary>
    public static readonly Variant[] All = [NativeMm, Clock, Lru, S3Fifo, ConcurrentLru, ConcurrentLfu, MemoryCache];

    /// <summary>Those whose best the library is held against.</summary>
    public static readonly Variant[] Rivals = [Lru, S3Fifo, ConcurrentLfu];

    /// <summary>Those of a part.</summary>
    public static IEnumerable<Variant> Of(string part) => part == CachePart.Hits
        ? All.Where(v => v != MemoryCache)
        : [NativeMm, ConcurrentLru, ConcurrentLfu, MemoryCache];
}
