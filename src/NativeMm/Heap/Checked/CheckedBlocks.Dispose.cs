using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Heap.Checked;

internal sealed unsafe partial class CheckedBlocks
{
    /// <summary>The blocks that are allocated now, grouped by where they come from.</summary>
    public LeakReport ReportLive(LeakMoment moment = LeakMoment.Asked)
    {
        var live = new List<CheckedBlock>();
        _ledger.VisitLive(live.Add);
        return ReportOf(live, moment);
    }

    /// <summary>
    /// Checks what is left, gives every block back to the raw heap, and then reports leaks as the options say. A second call does nothing.
    /// </summary>
    /// <exception cref="MemoryFaultException">
    /// An overrun or a late write was found, or blocks leaked under <see cref="LeakPolicy.Throw"/>. All memory went back before.
    /// </exception>
    /// <remarks>All of it goes back without managed memory. To report leaks takes some; where there is none they are not reported.</remarks>
    public void Dispose()
    {
        if (Atomic.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        CheckedHeaps.Remove(this);
        CheckedBlockList live = default;
        _ledger.ClaimAll(ref live);
        LeakReport? report = TryReport(live);
        MemoryFaultException? fault = null;
        while (live.TryTake() is { } block)
        {
            fault ??= TryFindOverrun(block);
            GiveBack(block);
        }

        MemoryFaultException? late = EmptyQuarantine();
        if (report is not null)
        {
            Publish(report);
            fault ??= late ?? LeakFault(report);
        }

        if ((fault ?? late) is { } found)
        {
            throw found;
        }
    }

    /// <summary>What is live still; null when nothing is, or when there is no managed memory for the words.</summary>
    private LeakReport? TryReport(CheckedBlockList live)
    {
        if (live.Count == 0)
        {
            return null;
        }

        try
        {
            var blocks = new List<CheckedBlock>(live.Count);
            for (CheckedBlock? block = live.First; block is not null; block = block.Next)
            {
                blocks.Add(block);
            }

            return ReportOf(blocks, LeakMoment.Dispose);
        }
        catch (OutOfMemoryException)
        {
            return null;
        }
    }

    private MemoryFaultException? TryFindOverrun(CheckedBlock block)
    {
        try
        {
            return FindOverrun(block);
        }
        catch (OutOfMemoryException)
        {
            return null;
        }
    }

    private LeakReport ReportOf(List<CheckedBlock> blocks, LeakMoment moment)
    {
        IEnumerable<LeakSite> sites = blocks
            .GroupBy(block => block.AllocatedAt is { } stack ? (Stack: AllocationStack.Text(stack), Bytes: (nuint)0) : (Stack: null, block.Bytes))
            .Select(group => new LeakSite(group.Key.Stack, group.LongCount(), group.Aggregate(0UL, (sum, block) => sum + block.Bytes)))
            .OrderByDescending(site => site.Bytes)
            .ThenByDescending(site => site.Blocks);
        return new LeakReport(Name, moment, [.. sites]);
    }

    private void Publish(LeakReport report)
    {
        if (report.Blocks == 0 || _options.Leaks == LeakPolicy.Ignore)
        {
            return;
        }

        if (_options.LeakHandler is { } handler)
        {
            handler(report);
        }
        else
        {
            Console.Error.WriteLine(report);
        }
    }

    private MemoryFaultException? LeakFault(LeakReport report) => report.Blocks > 0 && _options.Leaks == LeakPolicy.Throw
        ? MemoryFault.Make(MemoryFaultKind.Leak, 0, report.ToString())
        : null;
}
