using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;
using NativeMm.Primitives;

namespace NativeMm.Explorer.Cases;

/// <summary>Long work in two holds gives way between them; another thread takes the lock once.</summary>
internal sealed class WaiterLockCase : Case
{
    private WaiterLock<NoLockStatistics> _lock;

    public override string Claim => "one at a time, nobody waits for ever, and the count of those who wait ends at none";

    public override IReadOnlyList<BadCopy> BadCopies => [new("SpinLock[L1]"), new("SpinLock[L2]"), new("SpinLock[L2]", Weakening.Dropped)];

    public override void Prepare(Plan plan)
    {
        _lock = default;
        var count = new Cell("count");
        plan.Thread("worker", () =>
            {
                for (int i = 0; i < 2; i++)
                {
                    _lock.Enter();
                    count.Value++;
                    _lock.Exit();
                    _lock.GiveWay();
                }
            })
            .Thread("waiter", () =>
            {
                _lock.Enter();
                count.Value++;
                _lock.Exit();
            })
            .AtEnd(() => Plan.Check(count.Value == 3 && !_lock.IsContended, $"3 holds counted {count.Value}, contended: {_lock.IsContended}"));
    }
}
