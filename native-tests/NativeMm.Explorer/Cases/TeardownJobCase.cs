using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;
using NativeMm.Teardown;

namespace NativeMm.Explorer.Cases;

/// <summary>A worker and a thread that waits share out a job of two units.</summary>
internal sealed class TeardownJobCase : Case
{
    public override string Claim => "each unit of a job is done once, and who sees its end sees all of it";

    public override IReadOnlyList<BadCopy> BadCopies =>
    [
        new("TeardownJob[W1]", Weakening.Split), new("TeardownJob[W1]", Weakening.Dropped), new("TeardownJob[W3]", Weakening.Dropped),
    ];

    public override Bounds Bounds => new(Preemptions: 3, StaleReads: 1);

    public override bool IsReduced => true;

    /// <summary>Hints of the width, and sums for statistics, are read beside those who write them.</summary>
    public override bool WatchesPlainMemory => false;

    public override void Prepare(Plan plan)
    {
        var workers = new TeardownWorkers(new TeardownOptions { MaxActive = 2 });
        var job = new CellJob(workers, cells: 2);
        job.BeginAll();
        plan.Thread("worker", () =>
            {
                if (job.TryEnter(job.WidthMax))
                {
                    job.WorkInside(isWorker: false);
                }
            })
            .Thread("waiter", () =>
            {
                workers.AwaitEnd(job);
                Plan.Check(job.CountOf(0) == 1 && job.CountOf(1) == 1, "the job has ended before its work");
            })
            .AtEnd(() => Plan.Check(job.Phase == JobPhase.Done && job.CountOf(0) == 1 && job.CountOf(1) == 1, $"{job.Phase}, {job.CountOf(0)}, {job.CountOf(1)}"));
    }
}
