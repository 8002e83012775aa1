using System.Globalization;
using NativeMm.AddressSpaces;
using NativeMm.Soak.Shadow;

namespace NativeMm.Soak.Holdings;

/// <summary>
/// Some pages of a memory that others use at the same time: written, read, leased, pinned, forgotten, and seen in an image of an earlier moment. Beside them stands
/// what each must hold.
/// </summary>
/// <param name="pages">The memory.</param>
/// <param name="address">Of the first page.</param>
/// <param name="count">How many.</param>
internal abstract class PagesHolding(IPages pages, long address, int count) : Holding
{
    private const int PinPagesMax = 4;

    // What each page holds: a stamp, or zero.
    private readonly ulong[] _stamps = new ulong[count];
    private PinnedPages? _pin;
    private IPages? _image;
    private ulong[] _imageStamps = [];

    /// <summary>The memory.</summary>
    protected IPages Pages => pages;

    /// <summary>How many pages are left.</summary>
    protected int Count { get; private set; } = count;

    /// <inheritdoc/>
    public override void Check(Owner owner, bool whole, Chance chance)
    {
        if (Count == 0)
        {
            _pin?.Check(owner);
            return;
        }

        int page = chance.Below(Count);
        switch (chance.Below(16))
        {
            case < 6:
                Write(page, owner.NextStamp(), chance.OneIn(4));
                break;
            case < 8:
                Lease(page, owner);
                break;
            case < 10:
                Pin(page, owner, chance);
                break;
            case 10:
                Discard(page, Math.Min(Count, page + chance.Between(1, 8)));
                break;
            case 11:
                Image(owner, chance);
                break;
            case 12:
                Shrink(owner, chance);
                break;
            default:
                break;
        }

        CheckAll(owner, whole ? 0 : page, whole ? Count : Math.Min(page + 1, Count));
    }

    /// <inheritdoc/>
    public override void End(Owner owner, Chance chance)
    {
        EndImage();
        bool pinFirst = chance.OneIn(2);
        if (pinFirst)
        {
            EndPin(owner);
        }

        try
        {
            GiveUp(0, Count);
        }
        finally
        {
            EndPin(owner);
        }
    }

    /// <summary>Gives pages up for good. The last ones, or all.</summary>
    protected abstract void GiveUp(int first, int end);

    /// <summary>Whether pages may be given up before the rest.</summary>
    protected abstract bool CanShrink { get; }

    /// <summary>Address of a page.</summary>
    protected long AddressOf(int page) => address + ((long)page * StampedPage.PageBytes);

    private void Write(int page, ulong stamp, bool byLease)
    {
        Span<byte> content = stackalloc byte[StampedPage.PageBytes];
        StampedPage.Fill(content, stamp);
        if (byLease)
        {
            using WriteLease lease = pages.LeaseWrite(AddressOf(page), StampedPage.PageBytes);
            content.CopyTo(lease.Span);
        }
        else
        {
            pages.Write(AddressOf(page), content);
        }

        _stamps[page] = stamp;
        _pin?.Wrote(page, stamp);
        if (_image is { IsWritable: true } image && stamp % 4 == 0)
        {
            StampedPage.Fill(content, stamp + 1);
            image.Write(AddressOf(page), content);
            _imageStamps[page] = stamp + 1;
        }
    }

    private void Lease(int page, Owner owner)
    {
        int other = (page + 1) % Count;
        using ReadLease first = pages.LeaseRead(AddressOf(page), StampedPage.PageBytes);
        using ReadLease second = pages.LeaseRead(AddressOf(other), StampedPage.PageBytes);
        StampedPage.Check(first.Span, _stamps[page], $"lease of {owner}", page);
        StampedPage.Check(second.Span, _stamps[other], $"lease of {owner}", other);
    }

    private void Pin(int page, Owner owner, Chance chance)
    {
        if (_pin is not null)
        {
            ulong stamp = owner.NextStamp();
            int written = chance.Between(_pin.First, _pin.End - 1);
            if (_pin.TryWrite(written, stamp))
            {
                _stamps[written] = stamp;
            }

            if (chance.OneIn(2))
            {
                EndPin(owner);
            }

            return;
        }

        int length = Math.Min(chance.Between(1, PinPagesMax), Count - page);
        PageAccess access = chance.OneIn(2) ? PageAccess.Write : PageAccess.Read;
        if (pages.TryPin(AddressOf(page), (long)length * StampedPage.PageBytes, access) is { } pin)
        {
            _pin = new PinnedPages(pin, page, _stamps[page..(page + length)], owner);
        }
    }

    private void Discard(int first, int end)
    {
        pages.Discard(AddressOf(first), (long)(end - first) * StampedPage.PageBytes);
        Forget(first, end);
    }

    private void Image(Owner owner, Chance chance)
    {
        if (_image is null)
        {
            _image = pages.TryMakeImage();

            // Of the pages that were given up before, others may have the addresses by now.
            _imageStamps = [.. _stamps.AsSpan(0, Count)];
        }
        else if (chance.OneIn(2))
        {
            CheckImage(owner, 0, _imageStamps.Length);
            EndImage();
        }
    }

    private void Shrink(Owner owner, Chance chance)
    {
        if (CanShrink && chance.OneIn(4))
        {
            int left = chance.Below(Count);
            CheckAll(owner, left, Count);
            GiveUp(left, Count);
            Forget(left, Count);
            Count = left;
        }
    }

    private void Forget(int first, int end)
    {
        for (int page = first; page < end; page++)
        {
            _stamps[page] = 0;
            _pin?.Left(page);
        }
    }

    private void CheckAll(Owner owner, int first, int end)
    {
        _pin?.Check(owner);
        Span<byte> found = stackalloc byte[StampedPage.PageBytes];
        for (int page = first; page < end; page++)
        {
            pages.Read(AddressOf(page), found);
            StampedPage.Check(found, _stamps[page], string.Create(CultureInfo.InvariantCulture, $"{owner} of {_stamps.Length} pages"), page);
        }

        CheckImage(owner, first, end);
    }

    private void CheckImage(Owner owner, int first, int end)
    {
        Span<byte> found = stackalloc byte[StampedPage.PageBytes];
        for (int page = first; _image is not null && page < end; page++)
        {
            _image.Read(AddressOf(page), found);
            StampedPage.Check(found, _imageStamps[page], $"image of {owner}", page);
        }
    }

    private void EndImage()
    {
        _image?.Dispose();
        _image = null;
    }

    private void EndPin(Owner owner)
    {
        _pin?.Release(owner);
        _pin = null;
    }
}
