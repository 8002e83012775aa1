using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;
using NativeMm.Frames;
using NativeMm.Primitives;
using NativeMm.Reporting;

namespace NativeMm.Explorer.Cases;

/// <summary>A reporter passes over the last free frames while somebody allocates all of them.</summary>
internal sealed class ReporterCase : Case
{
    private const int FreeOrder = 6;
    private bool _served;

    public override string Claim => "an allocation waits for what is under report, and gets it; what it is told to be zero is zero";

    public override IReadOnlyList<BadCopy> BadCopies => [new("PageReporter[R2]", Weakening.Dropped)];

    public override Bounds Bounds => new(Preemptions: 3, StaleReads: 1);

    public override bool IsReduced => true;

    public override void Prepare(Plan plan)
    {
        var zone = new FrameFixture();
        zone.Fill(FreeOrder);
        var reporter = new PageReporter(zone.Frames, new PageReporterOptions { PieceOrder = LockFreeFrameAllocator.GranuleOrder });
        reporter.Register(new CellDevice(zone));
        _served = false;
        plan.Thread("reporter", () => reporter.ReportNow())
            .Thread("allocation", () =>
            {
                var order = new Order(FreeOrder);
                _served = zone.Frames.TryAllocate(order, FrameFlags.None, out Pfn frame, out bool isZero);
                if (_served)
                {
                    zone.Use(frame, order, isZero);
                }
            })
            .AtEnd(() =>
            {
                zone.Frames.Validate();
                Plan.Check(_served, "the frames were free or under report all the time, and the allocation failed");
            });
    }
}
