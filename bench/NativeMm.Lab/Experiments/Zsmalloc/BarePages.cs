using NativeMm.Buffers;
using NativeMm.Lab.Pages;

namespace NativeMm.Lab.Experiments.Zsmalloc;

/// <summary>Pages that are only compressed and restored: what a codec can do at best.</summary>
/// <param name="codec">The codec.</param>
/// <param name="pages">The pages.</param>
/// <param name="compressed">The same pages, compressed.</param>
/// <param name="room">Where each thread compresses and restores to.</param>
internal readonly struct BarePages(IPageCodec codec, byte[][] pages, CompressedPages compressed, byte[][] room) : IPageTarget
{
    /// <inheritdoc/>
    public double Ratio => (double)pages.Length * PageSet.PageBytes / compressed.Bytes;

    /// <inheritdoc/>
    public void Store(int thread, int page) => codec.TryCompress(pages[page], room[thread].AsSpan(0, CompressedPages.CompressedMax), out _);

    /// <inheritdoc/>
    public void Load(int thread, int page)
    {
        ReadOnlySpan<byte> content = compressed[page];
        Span<byte> restored = room[thread].AsSpan(0, PageSet.PageBytes);
        if (content.Length == PageSet.PageBytes)
        {
            content.CopyTo(restored);
        }
        else if (!codec.TryDecompress(content, restored))
        {
            throw new InvalidDataException($"{codec.Name} does not restore what it has compressed.");
        }
    }
}
