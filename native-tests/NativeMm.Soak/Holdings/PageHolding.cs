using NativeMm.Buffers;
using NativeMm.Soak.Shadow;

namespace NativeMm.Soak.Holdings;

/// <summary>A page of a compressed store: same-filled, compressible or not.</summary>
internal sealed class PageHolding(CompressedPageStore store, ulong key, ulong stamp) : Holding
{
    private readonly ulong _stamp = stamp;

    public static PageHolding Make(CompressedPageStore store, Owner owner, Chance chance)
    {
        owner.Kind = "page of a store";
        var holding = new PageHolding(store, (ulong)owner.Number, owner.NextStamp());
        Span<byte> page = stackalloc byte[StampedPage.PageBytes];
        StampedPage.Fill(page, holding._stamp);
        return store.TryStore((ulong)owner.Number, page) ? holding : throw new OutOfMemoryException();
    }

    public override void Check(Owner owner, bool whole, Chance chance)
    {
        Span<byte> found = stackalloc byte[StampedPage.PageBytes];
        if (!store.TryLoad(key, found))
        {
            throw new FindingException(owner.ToString(), 0, $"a page of key {key}", "none");
        }

        StampedPage.Check(found, _stamp, owner.ToString(), (long)key);
    }

    public override void End(Owner owner, Chance chance)
    {
        Check(owner, whole: true, chance);
        if (!store.Remove(key))
        {
            throw new FindingException(owner.ToString(), 0, $"a page of key {key} to remove", "none");
        }
    }
}
