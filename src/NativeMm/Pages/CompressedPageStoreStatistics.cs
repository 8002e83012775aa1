using System.Globalization;

namespace NativeMm.Buffers;

/// <summary>
/// What a <see cref="CompressedPageStore"/> holds: the figures of zram's <c>mm_stat</c>, and some more. Pages = same-filled + compressed + huge. Exact
/// at rest; figures taken while others work belong to slightly different moments.
/// </summary>
/// <param name="OrigDataBytes">Bytes of all pages before compression, same-filled ones included.</param>
/// <param name="ComprDataBytes">Bytes of the compressed pages and of those that are kept as they are.</param>
/// <param name="MemUsedTotalBytes">Bytes of the frames that these take, with what the packing wastes.</param>
/// <param name="MemLimitBytes">The limit of the frames, 0 for none.</param>
/// <param name="MemUsedMaxBytes">The most that <paramref name="MemUsedTotalBytes"/> ever was after a page came in.</param>
/// <param name="SamePages">Pages that repeat one word of eight bytes and take no frame.</param>
/// <param name="PagesCompacted">Frames that compaction gave back.</param>
/// <param name="HugePages">Pages that are kept as they are, because compression would not save a frame.</param>
/// <param name="HugePagesSince">Such pages that were ever stored.</param>
/// <param name="Pages">All pages.</param>
/// <param name="IndexBytes">Bytes of the table of keys.</param>
/// <param name="Refusals">Pages that were refused, for the limit or for lack of memory.</param>
/// <param name="CorruptedLoads">Loads that found a page corrupted.</param>
public readonly record struct CompressedPageStoreStatistics(
    long OrigDataBytes,
    long ComprDataBytes,
    long MemUsedTotalBytes,
    long MemLimitBytes,
    long MemUsedMaxBytes,
    long SamePages,
    long PagesCompacted,
    long HugePages,
    long HugePagesSince,
    long Pages,
    long IndexBytes,
    long Refusals,
    long CorruptedLoads)
{
    /// <summary>The nine figures of zram's <c>mm_stat</c> in its order, with spaces between.</summary>
    /// <returns>One line, without a line break: bytes, and pages for what zram counts in pages.</returns>
    public string ToMmStat() => string.Create(
        CultureInfo.InvariantCulture,
        $"{OrigDataBytes} {ComprDataBytes} {MemUsedTotalBytes} {MemLimitBytes} {MemUsedMaxBytes} {SamePages} {PagesCompacted} {HugePages} {HugePagesSince}");
}
