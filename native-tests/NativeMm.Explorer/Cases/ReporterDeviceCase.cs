using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;
using NativeMm.Frames;
using NativeMm.Primitives;
using NativeMm.Reporting;

namespace NativeMm.Explorer.Cases;

/// <summary>A pass is under way while its device is unregistered and another one takes its place.</summary>
internal sealed class ReporterDeviceCase : Case
{
    public override string Claim => "a device is not called after it was unregistered";

    public override IReadOnlyList<BadCopy> BadCopies => [new("SleepLock[M1]")];

    public override Bounds Bounds => new(Preemptions: 3, StaleReads: 1);

    public override void Prepare(Plan plan)
    {
        var zone = new FrameFixture();
        zone.Fill(order: 6);
        var reporter = new PageReporter(zone.Frames, new PageReporterOptions { PieceOrder = LockFreeFrameAllocator.GranuleOrder });
        var first = new CellDevice(zone);
        reporter.Register(first);
        plan.Thread("reporter", () => reporter.ReportNow())
            .Thread("owner", () =>
            {
                reporter.Unregister(first);
                first.End();
                reporter.Register(new CellDevice(zone));
            })
            .AtEnd(zone.Frames.Validate);
    }
}
