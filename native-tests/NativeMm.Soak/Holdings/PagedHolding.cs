using NativeMm.Soak.Shadow;

namespace NativeMm.Soak.Holdings;

/// <summary>A stretch of a memory that is larger than its budget: the same for each owner, so that the next one finds it empty.</summary>
internal sealed class PagedHolding : PagesHolding
{
    /// <summary>Pages of one owner.</summary>
    public const int PagesEach = 4;

    private PagedHolding(IPages pages, long offset)
        : base(pages, offset, PagesEach)
    {
    }

    /// <inheritdoc/>
    protected override bool CanShrink => false;

    /// <param name="pages">The memory.</param>
    /// <param name="place">The owner's place, from 0 on.</param>
    /// <param name="owner">The owner.</param>
    public static PagedHolding Make(IPages pages, int place, Owner owner)
    {
        owner.Kind = "stretch of a paged memory";
        return new PagedHolding(pages, (long)place * PagesEach * StampedPage.PageBytes);
    }

    /// <inheritdoc/>
    protected override void GiveUp(int first, int end) => Pages.Discard(AddressOf(first), (long)(end - first) * StampedPage.PageBytes);
}
