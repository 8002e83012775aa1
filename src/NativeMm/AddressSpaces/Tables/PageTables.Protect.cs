using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <content>Rights that go, and pages that count as unused.</content>
internal sealed unsafe partial class PageTables
{
    /// <inheritdoc/>
    public bool TryPrepareBoundary(ulong page, bool mayBeHuge) => true; // A huge leaf has all its entries: there is nothing to make for a split.

    /// <inheritdoc/>
    public void Protect(VpnRange pages, Protection protection)
    {
        ulong flags = Forbidden(protection);
        if (flags != 0 && SetFlags(pages, flags))
        {
            Atomic.ProcessWideFence(); // [H2] pairs with [H1]
            Hazards.AwaitAccesses(Key, pages.Start, pages.End);
        }
    }

    /// <summary>Checks that no entry of a range hits for what a protection forbids.</summary>
    public void ValidateRights(VpnRange pages, Protection protection)
    {
        ulong flags = Forbidden(protection);
        ulong page = pages.Start;
        ulong* leaf;
        while (flags != 0 && (leaf = FindLeaf(ref page, pages.End)) != null)
        {
            for (ulong end = ulong.Min(pages.End, (page | IndexMask) + 1); page < end; page++)
            {
                var value = new LeafEntry(Atomic.LoadAcquire(in leaf[Index(page, 0)]));
                Invariant.Check(!value.IsPresent || (value.Word & flags) == flags, $"Page {page:x} is {value}, and its area allows {protection}.");
            }
        }
    }

    /// <inheritdoc/>
    public void Cool(VpnRange pages) => SetFlags(pages, LeafEntry.NotAccessed);

    /// <summary>The flags that every present entry has of an area with a protection.</summary>
    private static ulong Forbidden(Protection protection) => protection switch
    {
        Protection.None => LeafEntry.NotAccessed | LeafEntry.NotWritable,
        Protection.Read => LeafEntry.NotWritable,
        _ => 0,
    };

    /// <summary>Sets flags on the present entries of a range.</summary>
    /// <returns>Whether any entry changed.</returns>
    private bool SetFlags(VpnRange pages, ulong flags)
    {
        Invariant.Assert((flags & ~(LeafEntry.NotAccessed | LeafEntry.NotWritable)) == 0, $"Pages {pages} get the flags {flags:x}.");
        bool changed = false;
        ulong page = pages.Start;
        ulong* leaf;
        while ((leaf = FindLeaf(ref page, pages.End)) != null)
        {
            ulong end = ulong.Min(pages.End, (page | IndexMask) + 1);
            ref TableHead head = ref HeadOf(leaf);
            head.Lock.Enter();
            for (; page < end; page++)
            {
                ulong* entry = leaf + Index(page, 0);
                var value = new LeafEntry(*entry);
                if (value.IsPresent && value.With(flags) != value)
                {
                    Atomic.StoreRelease(ref *entry, value.With(flags).Word); // [T1] pairs with [T2]
                    changed = true;
                }
            }

            head.Lock.Exit();
        }

        return changed;
    }
}
