using NativeMm.Buffers;

namespace NativeMm.Lab.Pages;

/// <summary>
/// Pages as a compressed page store keeps them: same-filled ones left out, those that hardly become smaller stored as they are.
/// </summary>
internal sealed class CompressedPages
{
    /// <summary>Compressed pages above this would take a whole frame in a pool with chains of up to 8 frames; they are stored as they are.</summary>
    public const int CompressedMax = 3632;

    private readonly byte[][] _contents;

    private CompressedPages(byte[][] contents)
    {
        _contents = contents;
        Sizes = [.. contents.Select(c => c.Length)];
        Bytes = Sizes.Sum(s => (long)s);
    }

    /// <summary>Number of compressed pages.</summary>
    public int Count => _contents.Length;

    /// <summary>Their sizes in bytes.</summary>
    public int[] Sizes { get; }

    /// <summary>The sum of the sizes.</summary>
    public long Bytes { get; }

    /// <summary>The content of one.</summary>
    public ReadOnlySpan<byte> this[int index] => _contents[index];

    /// <summary>The shipped pages under the fastest codec that is there.</summary>
    public static CompressedPages Shipped() => Of(PageSet.ReadShipped(), PageCodecs.Lz4 ?? PageCodecs.Brotli);

    /// <summary>Compresses pages.</summary>
    public static CompressedPages Of(PageSet pages, IPageCodec codec)
    {
        byte[] room = new byte[CompressedMax];
        return new CompressedPages([.. Enumerable.Range(0, pages.Count).Where(i => !pages.IsSameFilled(i)).Select(i => Compress(pages[i], codec, room))]);
    }

    private static byte[] Compress(ReadOnlySpan<byte> page, IPageCodec codec, byte[] room) =>
        codec.TryCompress(page, room, out int length) ? room[..length] : page.ToArray();
}
