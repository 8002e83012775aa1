using NativeMm.AddressSpaces;
using NativeMm.Diagnostics;
using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;
using NativeMm.Primitives;

namespace NativeMm.Explorer.Cases;

/// <summary>Page tables of a few pages, each with a leaf and a lock of its own, and faults as the library makes them.</summary>
internal sealed unsafe class LeafTables : IPageTables
{
    /// <summary>The page that stands for the first leaf.</summary>
    public const ulong First = 64;

    private readonly SpinLock<NoLockStatistics>[] _locks = new SpinLock<NoLockStatistics>[2];
    private readonly Cell[] _content = [new("page 0"), new("page 1")];
    private readonly Cell[] _present = [new("entry 0"), new("entry 1")];
    private readonly Cell[] _writable = [new("right 0"), new("right 1")];

    /// <summary>All pages.</summary>
    public static VpnRange All => new(First, First + 2);

    /// <summary>What a page holds, at the end.</summary>
    public int ContentOf(int page) => _content[page].Value;

    /// <summary>Whether a page has an entry, at the end.</summary>
    public bool IsPresent(int page) => _present[page].Value != 0;

    /// <summary>Gives each page an entry that may be written at once, before any thread begins.</summary>
    public void Populate()
    {
        for (int page = 0; page < _locks.Length; page++)
        {
            _present[page].Value = 1;
            _writable[page].Value = 1;
        }
    }

    /// <summary>A layout with one area over all pages, and these tables.</summary>
    public AreaLayout MakeLayout(EpochDomain epochs)
    {
        var layout = new AreaLayout(new ArenaPlatform(), this, new AddressSpaceOptions(), epochs);
        LayoutResult result = layout.Map(new MapRequest(2, Protection.ReadWrite, VmaFlags.None, Placement.Fixed, First));
        Plan.Check(result.IsDone, "the area is mapped");
        return layout;
    }

    /// <summary>Writes to a page: at once if the entry allows it, else by a fault, without the lock of the space first and then under it.</summary>
    /// <param name="layout">The areas.</param>
    /// <param name="page">Which page.</param>
    /// <param name="looksTooEarly">Whether the record is looked at before the leaf is locked, and not under the lock.</param>
    /// <returns>Whether the page was mapped.</returns>
    public bool Write(AreaLayout layout, int page, bool looksTooEarly = false)
    {
        if (WriteHit(page) || Fault(layout, page, speculative: true, looksTooEarly) == true)
        {
            return true;
        }

        layout.EnterRead();
        bool? mapped = Fault(layout, page, speculative: false, looksTooEarly);
        layout.ExitRead();
        return mapped == true;
    }

    public bool TryPrepareBoundary(ulong page, bool mayBeHuge) => true;

    public bool TryPrepareMove(VpnRange source, ulong destination) => true;

    public void Clear(VpnRange pages)
    {
        for (int page = 0; page < _locks.Length; page++)
        {
            if (pages.Contains(First + (ulong)page))
            {
                _locks[page].Enter();
                _present[page].Value = 0;
                _writable[page].Value = 0;
                _content[page].Value = 0;
                _locks[page].Exit();
            }
        }
    }

    public void Protect(VpnRange pages, Protection protection)
    {
    }

    public void Move(VpnRange source, ulong destination)
    {
    }

    public void Cool(VpnRange pages)
    {
    }

    public bool TryCopyTo(IPageTables child, VpnRange pages)
    {
        var other = (LeafTables)child;
        for (int page = 0; page < _locks.Length; page++)
        {
            _locks[page].Enter();
            _writable[page].Value = 0;
            other._present[page].Value = _present[page].Value;
            other._content[page].Value = _content[page].Value;
            _locks[page].Exit();
        }

        return true;
    }

    private bool WriteHit(int page)
    {
        _locks[page].Enter();
        bool hits = _writable[page].Value != 0;
        if (hits)
        {
            _content[page].Value = 1;
        }

        _locks[page].Exit();
        return hits;
    }

    /// <summary>Null for what must be tried again under the lock.</summary>
    private bool? Fault(AreaLayout layout, int page, bool speculative, bool looksTooEarly)
    {
        using EpochGuard inside = layout.Tree.Epochs.Enter();
        Vma* area = layout.Tree.Find(First + (ulong)page);
        if (area == null)
        {
            return speculative ? null : false;
        }

        VmaState seen = area->State;
        bool early = looksTooEarly && area->IsStill(seen);
        _locks[page].Enter();
        bool installs = looksTooEarly ? early : area->IsStill(seen);
        if (installs)
        {
            Plan.Check(area->Range == All, "the record is another one's");
            _present[page].Value = 1;
            _writable[page].Value = 1;
            _content[page].Value = 1;
        }

        _locks[page].Exit();
        return installs ? true : null;
    }
}
