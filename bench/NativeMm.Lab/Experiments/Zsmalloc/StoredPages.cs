using NativeMm.Buffers;
using NativeMm.Lab.Pages;

namespace NativeMm.Lab.Experiments.Zsmalloc;

/// <summary>Pages in a <see cref="CompressedPageStore"/>, each thread under keys of its own.</summary>
/// <param name="store">The store.</param>
/// <param name="pages">The pages.</param>
/// <param name="restored">Where each thread loads to.</param>
internal readonly struct StoredPages(CompressedPageStore store, byte[][] pages, byte[][] restored) : IPageTarget
{
    /// <inheritdoc/>
    public double Ratio
    {
        get
        {
            CompressedPageStoreStatistics statistics = store.GetStatistics();
            return (double)statistics.OrigDataBytes / statistics.ComprDataBytes;
        }
    }

    /// <inheritdoc/>
    public void Store(int thread, int page) => store.Store(Key(thread, page), pages[page]);

    /// <inheritdoc/>
    public void Load(int thread, int page) => store.Load(Key(thread, page), restored[thread].AsSpan(0, PageSet.PageBytes));

    private ulong Key(int thread, int page) => (ulong)((thread * pages.Length) + page);
}
