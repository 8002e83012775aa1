using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;
using NativeMm.Frames;
using NativeMm.Primitives;

namespace NativeMm.Explorer.Cases;

/// <summary>Two threads make one pass over the last free block, which one of them has out and the other looks for in vain, while somebody allocates it. What an allocation meets before that is ReporterCase.</summary>
internal sealed class ReporterSharedWaitCase : Case
{
    private bool _served;

    public override string Claim => "an allocation waits for what one of two threads of a pass has out, and gets it; what it is told to be zero is zero";

    public override IReadOnlyList<BadCopy> BadCopies => [new("PageReporter[R2]", Weakening.Dropped), new("PageReporter[R2]", Weakening.Split)];

    public override Bounds Bounds => new(Preemptions: 2, StaleReads: 1);

    public override bool IsReduced => true;

    public override void Prepare(Plan plan)
    {
        var pass = new ReporterSharedFixture(blocks: 2, takesFirst: true);
        _served = false;
        plan.Thread("reporter", pass.Report)
            .Thread("helper", pass.Help)
            .Thread("allocation", () =>
            {
                pass.AwaitShared();
                _served = pass.Zone.Frames.TryAllocate(Order.Huge, FrameFlags.None, out Pfn block, out bool isZero);
                if (_served)
                {
                    pass.Zone.Use(block, Order.Huge, isZero);
                }
            })
            .AtEnd(() =>
            {
                pass.Zone.Frames.Validate();
                Plan.Check(_served, "a block was free or under report all the time, and the allocation failed");
            });
    }
}
