using NativeMm.Buffers;
using NativeMm.Soak.Shadow;

namespace NativeMm.Soak.Holdings;

/// <summary>A page of a compressed store: same-filled, compressible or not.</summary>
internal sealed class PageHolding(CompressedPageStore store, ulong key, ulong stamp, int kind) : Holding
{
    private const int PageBytes = 4096;

    public static PageHolding Make(CompressedPageStore store, Owner owner, Chance chance)
    {
        owner.Kind = "page of a store";
        var holding = new PageHolding(store, (ulong)owner.Number, owner.NextStamp(), chance.Below(3));
        Span<byte> page = stackalloc byte[PageBytes];
        holding.Fill(page);
        return store.TryStore((ulong)owner.Number, page) ? holding : throw new OutOfMemoryException();
    }

    public override void Check(Owner owner, bool whole, Chance chance)
    {
        Span<byte> expected = stackalloc byte[PageBytes];
        Span<byte> found = stackalloc byte[PageBytes];
        Fill(expected);
        if (!store.TryLoad(key, found))
        {
            throw new FindingException(owner.ToString(), 0, $"a page of key {key}", "none");
        }

        int length = expected.CommonPrefixLength(found);
        if (length != PageBytes)
        {
            throw new FindingException(owner.ToString(), 0, $"{expected[length]:x2} at offset {length}", $"{found[length]:x2}");
        }
    }

    public override void End(Owner owner, Chance chance)
    {
        Check(owner, whole: true, chance);
        if (!store.Remove(key))
        {
            throw new FindingException(owner.ToString(), 0, $"a page of key {key} to remove", "none");
        }
    }

    private void Fill(Span<byte> page)
    {
        switch (kind)
        {
            case 0:
                page.Fill((byte)stamp);
                break;
            case 1:
                page.Clear();
                Pattern.Fill(page[..(PageBytes / 4)], stamp);
                break;
            default:
                var random = new Chance(stamp);
                foreach (ref byte place in page)
                {
                    place = (byte)random.Next();
                }

                break;
        }
    }
}
