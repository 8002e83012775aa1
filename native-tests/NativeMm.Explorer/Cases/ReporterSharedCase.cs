using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;

namespace NativeMm.Explorer.Cases;

/// <summary>Two threads make one pass over the free blocks.</summary>
internal sealed class ReporterSharedCase : Case
{
    private const string EndsBeforeHelper = "the pass goes on while its helper makes a step";

    public override string Claim => "of two threads in one pass each takes blocks of its own, all are counted, and both are out when it ends";

    public override IReadOnlyList<BadCopy> BadCopies => [new("SleepLock[M1]"), new("SleepLock[M2]"), new(EndsBeforeHelper, Weakening.Protocol)];

    public override Bounds Bounds => new(Preemptions: 3, StaleReads: 1);

    public override bool IsReduced => true;

    public override void Prepare(Plan plan)
    {
        var pass = new ReporterSharedFixture(blocks: 3, leavesEarly: WrongStep == EndsBeforeHelper);
        plan.Thread("reporter", pass.Report).Thread("helper", pass.Help).AtEnd(pass.RequireAllReported);
    }
}
