using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;
using NativeMm.Primitives;

namespace NativeMm.Explorer.Cases;

/// <summary>Sections of three threads under one spin lock; one of them only tries.</summary>
internal sealed class SpinLockCase : Case
{
    private SpinLock<NoLockStatistics> _lock;
    private int _entered;

    public override string Claim => "one at a time, and each sees what the last one wrote";

    public override IReadOnlyList<BadCopy> BadCopies =>
    [
        new("SpinLock[L1]"), new("SpinLock[L1]", Weakening.Split), new("SpinLock[L2]"), new("SpinLock[L2]", Weakening.Dropped),
    ];

    public override Bounds Bounds => new(Preemptions: 3);

    public override void Prepare(Plan plan)
    {
        _lock = default;
        _entered = 0;
        var count = new Cell("count");
        plan.Thread("first", () => Enter(count)).Thread("second", () => Enter(count)).Thread("third", () => TryEnter(count))
            .AtEnd(() => Plan.Check(count.Value == _entered, $"{_entered} sections counted {count.Value}"));
    }

    private void Enter(Cell count)
    {
        _lock.Enter();
        count.Value++;
        _entered++;
        _lock.Exit();
    }

    private void TryEnter(Cell count)
    {
        if (_lock.TryEnter())
        {
            count.Value++;
            _entered++;
            _lock.Exit();
        }
    }
}
