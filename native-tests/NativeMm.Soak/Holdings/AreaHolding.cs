using NativeMm.AddressSpaces;
using NativeMm.Soak.Shadow;

namespace NativeMm.Soak.Holdings;

/// <summary>An area of an address space in which others have theirs.</summary>
internal sealed class AreaHolding : PagesHolding
{
    private const int PagesMax = 24;
    private const int HugePages = 600;
    private const int UnmapAttempts = 20;

    private AreaHolding(SpacePages pages, long address, int count)
        : base(pages, address, count)
    {
    }

    /// <inheritdoc/>
    protected override bool CanShrink => true;

    public static AreaHolding Make(SpacePages pages, Owner owner, Chance chance)
    {
        owner.Kind = "area of a space";
        bool isHuge = chance.OneIn(60);
        int count = isHuge ? HugePages : chance.Between(1, PagesMax);
        long address = pages.Space.Map((long)count * StampedPage.PageBytes, Protection.ReadWrite, isHuge ? MapFlags.HugePages : MapFlags.None);
        return new AreaHolding(pages, address, count);
    }

    /// <summary>Unmaps. Neighbours of one kind are one area, so this may cut, and what cuts may find no memory: then the content goes, and the addresses stay.</summary>
    protected override void GiveUp(int first, int end)
    {
        if (first == end)
        {
            return;
        }

        AddressSpace space = ((SpacePages)Pages).Space;
        long bytes = (long)(end - first) * StampedPage.PageBytes;
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                space.Unmap(AddressOf(first), bytes);
                return;
            }
            catch (OutOfMemoryException) when (attempt < UnmapAttempts)
            {
                continue;
            }
            catch (OutOfMemoryException)
            {
                space.Advise(AddressOf(first), bytes, MemoryAdvice.DoNotNeed);
                return;
            }
        }
    }
}
