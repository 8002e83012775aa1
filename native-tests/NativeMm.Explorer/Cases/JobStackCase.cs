using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;
using NativeMm.Primitives;

namespace NativeMm.Explorer.Cases;

/// <summary>A job waits; while the thread takes it out and runs it, there is more for it to see, and another job is asked for.</summary>
internal sealed class JobStackCase : Case
{
    public override string Claim => "a job that is asked for runs, and sees what was stored before";

    public override IReadOnlyList<BadCopy> BadCopies =>
    [
        new("JobStack[J1]"), new("JobStack[J1]", Weakening.Split), new("JobStack[J2]", Weakening.Split),
        new("JobStack[J3]"), new("JobStack[J4]"), new("JobStack[J5]", Weakening.Dropped),
    ];

    public override void Prepare(Plan plan)
    {
        var jobs = new JobStack();
        var first = new Job(jobs);
        var second = new Job(jobs);
        first.Ask();
        plan.Thread("asker", () =>
            {
                first.Hand(2);
                first.Ask();
            })
            .Thread("other asker", () =>
            {
                second.Hand(1);
                second.Ask();
            })
            .Thread("worker", jobs.RunAll)
            .AtEnd(() =>
            {
                // Whoever puts a job in wakes the worker after that.
                jobs.RunAll();
                Plan.Check(first.Seen == 2 && second.Seen == 1, $"the jobs saw {first.Seen} and {second.Seen}");
            });
    }

    private sealed class Job(JobStack jobs) : BackgroundJob(jobs)
    {
        private ulong _work;

        /// <summary>What the last run saw.</summary>
        public ulong Seen { get; private set; }

        /// <summary>Gives it something to see.</summary>
        public void Hand(ulong work) => Atomic.StoreRelease(ref _work, work);

        /// <inheritdoc/>
        protected override void Run() => Seen = Atomic.LoadAcquire(in _work);
    }
}
