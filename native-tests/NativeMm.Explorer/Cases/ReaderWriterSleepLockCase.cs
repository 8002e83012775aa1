using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;
using NativeMm.Primitives;

namespace NativeMm.Explorer.Cases;

/// <summary>A reader and two writers under one reader-writer lock.</summary>
internal sealed class ReaderWriterSleepLockCase : Case
{
    private ReaderWriterSleepLock _lock;

    public override string Claim => "a writer is alone, each sees what the last one wrote, and nobody waits for ever";

    public override IReadOnlyList<BadCopy> BadCopies =>
    [
        new("ReaderWriterSleepLock[R1]"), new("ReaderWriterSleepLock[R1]", Weakening.Dropped), new("ReaderWriterSleepLock[R2]"),
        new("ReaderWriterSleepLock[R3]"), new("ReaderWriterSleepLock[R3]", Weakening.Dropped), new("ReaderWriterSleepLock[R4]"),
    ];

    public override Bounds Bounds => new(Preemptions: 2, StaleReads: 1);

    public override void Prepare(Plan plan)
    {
        _lock = default;
        var count = new Cell("count");
        void Write()
        {
            _lock.EnterWrite();
            count.Value++;
            _lock.ExitWrite();
        }

        plan.Thread("reader", () =>
            {
                _lock.EnterRead();
                int seen = count.Value;
                Plan.Check(count.Value == seen, "a writer is inside beside a reader");
                _lock.ExitRead();
            })
            .Thread("first writer", Write)
            .Thread("second writer", Write)
            .AtEnd(() => Plan.Check(count.Value == 2 && !_lock.HasWriter, $"2 steps counted {count.Value}"));
    }
}
