using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Tests.Support;

/// <summary>One face for every lock, so that one test serves all.</summary>
internal abstract class LockUnderTest
{
    /// <summary>Names for theories.</summary>
    public static TheoryNames Names { get; } = new("spin", "spin-counted");

    /// <summary>Those that exclude other threads; the lock that sleeps lets the thread that holds it in again.</summary>
    public static TheoryNames ExclusiveNames { get; } = new("spin", "spin-counted", "sleep");

    public static LockUnderTest Create(string name) => name switch
    {
        "spin" => new Spin<NoLockStatistics>(),
        "spin-counted" => new Spin<LockStatistics>(),
        "sleep" => new Sleep(),
        "none" => new None(),
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, null),
    };

    public abstract bool IsHeld { get; }

    public abstract void Enter();

    public abstract bool TryEnter();

    public abstract void Exit();

    /// <summary>What the lock recorded, null when it does not.</summary>
    public abstract LockStatisticsSnapshot? Snapshot();

    private sealed class Spin<TStatistics> : LockUnderTest
        where TStatistics : unmanaged, ILockStatistics
    {
        private SpinLock<TStatistics> _lock;

        public override bool IsHeld => _lock.IsHeld;

        public override void Enter() => _lock.Enter();

        public override bool TryEnter() => _lock.TryEnter();

        public override void Exit() => _lock.Exit();

        public override LockStatisticsSnapshot? Snapshot() => _lock.Statistics is LockStatistics statistics ? statistics.Snapshot("spin") : null;
    }

    private sealed class Sleep : LockUnderTest
    {
        private SleepLock _lock;

        public override bool IsHeld => _lock.IsHeldByCurrentThread;

        public override void Enter() => _lock.Enter();

        public override bool TryEnter() => _lock.TryEnter();

        public override void Exit() => _lock.Exit();

        public override LockStatisticsSnapshot? Snapshot() => null;
    }

    /// <summary>The known-bad control: excludes nobody.</summary>
    private sealed class None : LockUnderTest
    {
        public override bool IsHeld => false;

        public override void Enter()
        {
        }

        public override bool TryEnter() => true;

        public override void Exit()
        {
        }

        public override LockStatisticsSnapshot? Snapshot() => null;
    }
}
