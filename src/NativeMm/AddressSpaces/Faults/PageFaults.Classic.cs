using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <content>The fault under the space's lock.</content>
internal sealed unsafe partial class PageFaults
{
    // Looks in vain for memory that others gave back to somebody else in between.
    private const int MemoryAttemptsMax = 64;

    private void HandleClassic<TPause>(AccessSlot* slot, ulong page, PageAccess access, int offset, ref FaultPermit permit)
        where TPause : struct, IPausePoint
    {
        AwaitPermit(slot, ref permit);
        var backoff = default(Backoff);
        int attempts = 0;
        while (true)
        {
            Protection? protection = null;
            FaultOutcome outcome = TryUnderLock<TPause>(slot, page, access, ref permit, ref protection);
            switch (outcome)
            {
                case FaultOutcome.Resolved:
                    Counters.Count(slot->Number, FaultEvent.Classic);
                    return;
                case FaultOutcome.NotAttempted when _layout.TryGrowTo(page):
                    break;
                case FaultOutcome.NotAttempted:
                case FaultOutcome.Access:
                    throw new AddressFaultException((long)(page << Pfn.FrameShift) + offset, access, protection);
                case FaultOutcome.LoadFailed:
                    throw new PageUnavailableException((long)(page << Pfn.FrameShift), permit.Failure);
                case FaultOutcome.NoAnon:
                case FaultOutcome.NoFrame:
                    FindFrame(ref permit, ++attempts);
                    break;
                case FaultOutcome.NoRoom:
                    FindRoom();
                    break;
                default:
                    // Whoever waits for one page keeps nobody from another one.
                    Uncharge(ref permit);
                    Permits.Return(ref permit);
                    Counters.Count(slot->Number, FaultEvent.Wait);
                    backoff.Wait();
                    AwaitPermit(slot, ref permit);
                    break;
            }
        }
    }

    private FaultOutcome TryUnderLock<TPause>(AccessSlot* slot, ulong page, PageAccess access, ref FaultPermit permit, ref Protection? protection)
        where TPause : struct, IPausePoint
    {
        _layout.EnterRead();
        try
        {
            Vma* record = _layout.Tree.Find(page);
            if (record == null)
            {
                return FaultOutcome.NotAttempted;
            }

            protection = record->Protection;
            if (!Allows(record, access))
            {
                return FaultOutcome.Access;
            }

            TPause.Reach(PauseFound);
            Atomic.StoreRelease(ref slot->Fault, _tables.Key | page); // [F1], [H1] pairs with [H2]
            return Attempt<ClassicLocking, TPause>(slot, page, access, record, record->State, ref permit);
        }
        finally
        {
            Atomic.StoreRelease(ref slot->Fault, 0); // [H3] pairs with [H2]
            _layout.ExitRead();
        }
    }

    private void AwaitPermit(AccessSlot* slot, ref FaultPermit permit)
    {
        var backoff = default(Backoff);
        while (permit.Cell < 0 && !Permits.TryTake(slot->Number, ref permit))
        {
            backoff.Wait();
        }
    }

    /// <summary>Asks others for memory. The frame is kept in the permit, or given back if there is one in it: then a table was wanted, and finds it.</summary>
    private void FindFrame(ref FaultPermit permit, int attempts)
    {
        Invariant.Assert(permit.Cell >= 0, "A frame is looked for without a permit.");
        _tables.Deferred.Flush();
        bool found = _frames.TryAllocate(Order.Zero, FrameFlags.Populate, out Pfn frame, out bool isZero);
        if ((!found && FreeKept() == 0 && !TryLetPagesLeave()) || attempts > MemoryAttemptsMax)
        {
            if (found)
            {
                _frames.Free(frame, Order.Zero);
            }

            throw OutOfFrames.For(_frames, Pfn.FrameBytes);
        }

        if (found && permit.Frame == 0)
        {
            permit.Frame = (nuint)_frames.Zone.AddressOf(frame);
            permit.IsZero = isZero;
        }
        else if (found)
        {
            _frames.Free(frame, Order.Zero);
        }
    }

    /// <summary>Others have all frames of the zone: those of this space's own pages do as well, if it has where to keep the pages.</summary>
    private bool TryLetPagesLeave() => _tables.Residency is { } residency && residency.Reclaim(1) != 0;

    private void FindRoom()
    {
        if (!_tables.Residency!.TryMakeRoom())
        {
            throw _tables.Residency.OutOfRoom();
        }
    }
}
