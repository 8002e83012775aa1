using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;
using NativeMm.Primitives;

namespace NativeMm.Explorer.Cases;

/// <summary>Sections of two threads under one sleep lock, one of which enters twice.</summary>
internal sealed class SleepLockCase : Case
{
    private SleepLock _lock;

    public override string Claim => "one at a time, recursive, and each sees what the last one wrote";

    public override IReadOnlyList<BadCopy> BadCopies =>
    [
        new("SleepLock[M1]"), new("SleepLock[M1]", Weakening.Split), new("SleepLock[M2]"), new("SleepLock[M2]", Weakening.Dropped),
    ];

    public override void Prepare(Plan plan)
    {
        _lock = default;
        var count = new Cell("count");
        plan.Thread("nested", () =>
            {
                using (_lock.EnterScope())
                {
                    count.Value++;
                    using (_lock.EnterScope())
                    {
                        count.Value++;
                    }

                    Plan.Check(_lock.IsHeldByCurrentThread, "the inner exit gave the lock up");
                    count.Value++;
                }
            })
            .Thread("single", () =>
            {
                using (_lock.EnterScope())
                {
                    count.Value++;
                }
            })
            .AtEnd(() => Plan.Check(count.Value == 4, $"4 steps counted {count.Value}"));
    }
}
