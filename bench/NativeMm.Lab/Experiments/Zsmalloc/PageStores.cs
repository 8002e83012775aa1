using NativeMm.Buffers;
using NativeMm.Lab.Harness;
using NativeMm.Lab.Pages;
using NativeMm.Lab.Peers;

namespace NativeMm.Lab.Experiments.Zsmalloc;

/// <summary>The stores that the lab compares with their bare codecs, as variants.</summary>
internal static class PageStores
{
    private const string StorePrefix = "store-";
    private const string CodecPrefix = "codec-";

    /// <summary>The store with each codec.</summary>
    public static IReadOnlyList<Variant> Stores { get; } =
    [
        Of(StorePrefix, "lz4", PageCodecs.Lz4, "liblz4-1"),
        Of(StorePrefix, "zstd", PageCodecs.Zstandard, "libzstd1"),
        Of(StorePrefix, "brotli", PageCodecs.Brotli, string.Empty),
    ];

    /// <summary>Each codec alone.</summary>
    public static IReadOnlyList<Variant> Codecs { get; } =
    [
        Of(CodecPrefix, "lz4", PageCodecs.Lz4, "liblz4-1"),
        Of(CodecPrefix, "zstd", PageCodecs.Zstandard, "libzstd1"),
        Of(CodecPrefix, "brotli", PageCodecs.Brotli, string.Empty),
    ];

    /// <summary>Measures a variant.</summary>
    public static Measurement Measure(MeasurementRequest request)
    {
        string variant = request.Case.Variant;
        IPageCodec codec = CodecOf(variant[(variant.IndexOf('-') + 1)..]);
        PageSet set = PageSet.ReadShipped();
        byte[][] pages = [.. Enumerable.Range(0, set.Count).Where(i => !set.IsSameFilled(i)).Select(i => set[i].ToArray())];
        byte[][] room = [.. Enumerable.Range(0, request.Case.Threads).Select(_ => new byte[PageSet.PageBytes])];
        var run = new PageRun(request, pages.Length);
        if (variant.StartsWith(CodecPrefix, StringComparison.Ordinal))
        {
            return run.Measure(new BarePages(codec, pages, CompressedPages.Of(set, codec), room));
        }

        using var store = new CompressedPageStore(new CompressedPageStoreOptions { PageBytes = PageSet.PageBytes, Codec = codec });
        Measurement result = run.Measure(new StoredPages(store, pages, room));
        store.Validate();
        return result.Add("memory_ratio", MemoryRatio(store, pages, ZsPlan.Of(request).StoredCopies));
    }

    // Of many copies: in the few pages that are timed, the frames that each class has begun would count for more than the pages.
    private static double MemoryRatio(CompressedPageStore store, byte[][] pages, int copies)
    {
        store.Clear();
        for (int i = 0; i < pages.Length * copies; i++)
        {
            store.Store((ulong)i, pages[i % pages.Length]);
        }

        store.Compact();
        CompressedPageStoreStatistics statistics = store.GetStatistics();
        return (double)statistics.OrigDataBytes / (statistics.MemUsedTotalBytes + statistics.IndexBytes);
    }

    private static IPageCodec CodecOf(string name) =>
        PageCodecs.Available.FirstOrDefault(c => c.Name == name) ?? throw new NotSupportedException($"There is no codec {name} here.");

    private static Variant Of(string prefix, string name, IPageCodec? codec, string package) =>
        new(prefix + name, prefix == StorePrefix ? $"CompressedPageStore with {name}" : $"{name} alone, into a buffer")
        {
            IsOurs = prefix == StorePrefix,
            IsYardstick = prefix != StorePrefix,
            Missing = codec is null ? AllocatorPeers.Absent(prefix + name, package) : null,
        };
}
