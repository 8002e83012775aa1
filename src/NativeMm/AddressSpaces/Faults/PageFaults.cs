// Purpose      makes the page of an access that did not hit accessible, without waiting for whoever changes the layout elsewhere.
// States       of one fault: area found → entry seen → frame made → installed; or given up, from any of them.
// Transitions  speculative: inside an epoch, without a lock of the space; the lock of the leaf is tried, and under it the fault sees again that the leaf hangs
//              where it was, that its record is not detached, and that the entry is what it saw; any doubt ends in the classic fault, which takes the permit,
//              and the frame, along. classic: under the space's lock as a reader, the lock of the leaf is waited for; the same code.
// Ownership    the frame of a fault is in its permit until it is installed; see FaultPermits.
// Ordering     [T3] in PageTables: the lock of the leaf before the look at the record, the detaching before the lock of the leaf. The record is read inside the
//              epoch of the tree, so it cannot become another area's while the fault compares its state. [F1] the fault's hazard is stored before it walks
//              ([H1]): the tables that it walked through, and the frame that it copies from, stay.
// Reuse        an area that was unmapped and mapped again in the same way has another record, or another generation: the state is compared whole.
// Progress     a speculative fault waits for nobody. A classic one waits for writers of the space, for the leaf, for whoever moves its page, and for memory;
//              it holds no lock and no hazard in the last two, nor while it waits for the space's lock.
// Source       L. Dufour, "Speculative page faults" v9 (2018), with the answers to its review: bounded permits, a frame kept for the retry, collapsing as a
//              state of its own. Departs from it in that tables are made speculatively as well, and pages are brought back from the swap.

using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <summary>The faults of one space. Thread-safe.</summary>
internal sealed unsafe partial class PageFaults
{
    /// <summary>An area was found that allows the access.</summary>
    internal const string PauseFound = "fault: area found";

    /// <summary>The entry was read.</summary>
    internal const string PauseSeen = "fault: entry seen";

    /// <summary>The frame is ready, no lock is held.</summary>
    internal const string PausePrepared = "fault: frame prepared";

    /// <summary>The lock of the leaf is held, and all was compared.</summary>
    internal const string PauseLocked = "fault: leaf locked";

    /// <summary>The entry says that the page is being loaded.</summary>
    internal const string PauseLoading = "fault: page loading";

    /// <summary>An attempt without a lock was in vain.</summary>
    internal const string PauseFellBack = "fault: fell back";

    private const int DeferredMax = 64;

    private readonly PageTables _tables;
    private readonly AreaLayout _layout;
    private readonly IFrameAllocator _frames;
    private readonly bool _isSpeculative;
    private readonly CollapseJob _collapse;
    private EndGate _gate;

    /// <summary>Makes the faults of a space.</summary>
    public PageFaults(PageTables tables, AreaLayout layout, FaultMode mode, int permits)
    {
        _collapse = new CollapseJob(tables, layout);
        _tables = tables;
        _layout = layout;
        _frames = tables.Frames;
        _isSpeculative = mode == FaultMode.Speculative;
        Permits = new FaultPermits(permits);
    }

    /// <summary>The permits.</summary>
    public FaultPermits Permits { get; }

    /// <summary>The counters.</summary>
    public FaultCounters Counters { get; } = new();

    /// <summary>Makes a page accessible for an access. The caller holds no lock and has no hazard for an access of his own.</summary>
    /// <param name="page">The page, below <see cref="PageTables.Pages"/>.</param>
    /// <param name="access">The access.</param>
    /// <param name="offset">Where in the page it begins, for whoever is told that it is wrong.</param>
    /// <exception cref="AddressFaultException">No area allows it.</exception>
    /// <exception cref="OutOfMemoryException">There is no frame.</exception>
    /// <exception cref="PageUnavailableException">The page had left memory and cannot be brought back.</exception>
    /// <exception cref="ObjectDisposedException">The space is disposed.</exception>
    public void Handle<TPause>(ulong page, PageAccess access, int offset = 0)
        where TPause : struct, IPausePoint
    {
        AccessSlot* slot = AccessSlots.Own();
        var permit = FaultPermit.None;
        bool isInside = false;
        if (_isSpeculative && TryWithoutLock<TPause>(slot, page, access, ref permit, out isInside))
        {
            return;
        }

        TPause.Reach(PauseFellBack);
        if (!isInside && !_gate.TryEnter())
        {
            throw LayoutFault.Gone(_layout.Options);
        }

        try
        {
            HandleClassic<TPause>(slot, page, access, offset, ref permit);
        }
        finally
        {
            Finish(slot, ref permit);
            _gate.Exit();
        }
    }

    /// <summary>Lets no fault begin any more that takes the lock of the space, and waits for none.</summary>
    public void Close() => _gate.TryClose();

    /// <summary>
    /// Waits for the faults that are under way under the space's lock, and frees what was kept for others. The lock lets nobody in any more, and the epoch in which faults without it
    /// were has passed.
    /// </summary>
    public void End()
    {
        _gate.Close();
        _collapse.End();
        FreeKept();
    }

    /// <summary>Gathers the pages around one in a block of 2 MiB, if its area wants that.</summary>
    /// <returns>Whether they lie in one.</returns>
    public bool Collapse(ulong page) => _collapse.TryCollapse<NoPause>(page);

    /// <summary>Has the pages around one gathered soon.</summary>
    public void AskCollapse(ulong page) => _collapse.Ask(page);

    /// <summary>There may be full leaves of an area that has come to want blocks.</summary>
    public void MissCollapse() => _collapse.Miss();

    /// <summary>Has the leaves gathered soon that could not be before.</summary>
    public void AskForMissed() => _collapse.AskForMissed();

    /// <summary>Keeps pages from being gathered until the scope ends.</summary>
    public SleepLock.Scope PauseCollapse() => _collapse.Pause();

    /// <summary>Frees the frames that are kept for later faults.</summary>
    /// <returns>How many there were.</returns>
    public int FreeKept()
    {
        int freed = 0;
        for (int i = 0; i < Permits.Count; i++)
        {
            nuint frame = Permits.TakeKept(i);
            if (frame != 0)
            {
                _frames.Free(_frames.Zone.FrameOf((void*)frame), Order.Zero);
                freed++;
            }
        }

        return freed;
    }

    /// <summary>Frees what the space has of memory that it does not need at this moment, unless it ends.</summary>
    /// <returns>Whether there was anything.</returns>
    public bool FreeUnused()
    {
        if (!_gate.TryEnter())
        {
            return false;
        }

        int deferred = _tables.Deferred.Count;
        if (deferred != 0)
        {
            AccessSlots.EndLeasesOfDead();
        }

        bool freed = _tables.Deferred.Flush() < deferred;
        freed |= FreeKept() != 0;
        _gate.Exit();
        return freed;
    }

    /// <summary>Asks others for memory, for a change of the layout that found no frame and holds no lock.</summary>
    /// <returns>Whether it is worth another attempt.</returns>
    public bool TryMakeMemory()
    {
        bool freed = FreeUnused();
        if (!_gate.TryEnter())
        {
            return false;
        }

        try
        {
            bool found = _frames.TryAllocate(Order.Zero, FrameFlags.None, out Pfn frame, out _);
            if (found)
            {
                _frames.Free(frame, Order.Zero);
            }

            return freed || found || TryLetPagesLeave();
        }
        finally
        {
            _gate.Exit();
        }
    }

    /// <summary>What was counted.</summary>
    public FaultStatistics GetStatistics()
    {
        FaultCounters counters = Counters;
        long[] outcomes = new long[(int)FaultOutcome.NotAttempted + 1];
        for (int i = 0; i < outcomes.Length; i++)
        {
            outcomes[i] = counters.Sum((FaultOutcome)i);
        }

        return new FaultStatistics
        {
            Attempts = counters.Sum(FaultEvent.Attempt),
            Successes = outcomes[(int)FaultOutcome.Resolved],
            PteLock = outcomes[(int)FaultOutcome.PteLock],
            VmaChanged = outcomes[(int)FaultOutcome.VmaChanged],
            NoAnon = outcomes[(int)FaultOutcome.NoAnon],
            NotSupported = outcomes[(int)FaultOutcome.NotSupported],
            Access = outcomes[(int)FaultOutcome.Access],
            PmdChanged = outcomes[(int)FaultOutcome.PmdChanged],
            NotAttempted = outcomes[(int)FaultOutcome.NotAttempted],
            Classic = counters.Sum(FaultEvent.Classic),
            Duplicates = counters.Sum(FaultEvent.Duplicate),
            ZeroPages = counters.Sum(FaultEvent.ZeroPage),
            DemandZero = counters.Sum(FaultEvent.DemandZero),
            DemandZeroHuge = counters.Sum(FaultEvent.DemandZeroHuge),
            Collapses = _tables.Collapses,
            Copies = counters.Sum(FaultEvent.Copy),
            SwapIns = counters.Sum(FaultEvent.SwapIn),
            Waits = counters.Sum(FaultEvent.Wait),
            PermitsPeak = Permits.Peak,
            Permits = Permits.Count,
        };
    }

    private void Finish(AccessSlot* slot, ref FaultPermit permit)
    {
        Uncharge(ref permit);
        Permits.Sample(ref slot->Turn);
        Permits.Return(ref permit);
        Invariant.Assert(permit is { Cell: < 0, Frame: 0, Charge: 0 }, $"A fault ends with permit {permit.Cell}, a frame at 0x{permit.Frame:x} and charge {permit.Charge}.");
        if (_tables.Deferred.Count >= DeferredMax)
        {
            _tables.Deferred.Flush();
        }
    }

    private void Uncharge(ref FaultPermit permit)
    {
        if (permit.Charge != 0)
        {
            _tables.Residency!.Uncharge(permit.Charge);
            permit.Charge = 0;
        }
    }

    private static bool Allows(Vma* record, PageAccess access) =>
        record->Protection == Protection.ReadWrite || (record->Protection == Protection.Read && access == PageAccess.Read);
}
