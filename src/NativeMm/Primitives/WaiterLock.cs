using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace NativeMm.Primitives;

/// <summary>
/// A spin lock that tells its holder whether somebody waits, so that long work in many short holds can step back between them. Never copy it.
/// </summary>
/// <typeparam name="TStatistics">What the lock records about itself.</typeparam>
internal struct WaiterLock<TStatistics>
    where TStatistics : unmanaged, ILockStatistics
{
    private SpinLock<TStatistics> _lock;
    private int _waiting;

    /// <summary>Whether somebody waits. Only a hint: a stale answer costs or saves one short hold.</summary>
    public readonly bool IsContended => Atomic.LoadAcquire(in _waiting) != 0;

    /// <summary>Whether somebody holds it: for assertions.</summary>
    public bool IsHeld => _lock.IsHeld;

    /// <summary>What the lock recorded.</summary>
    [UnscopedRef]
    public ref TStatistics Statistics => ref _lock.Statistics;

    /// <summary>Takes the lock.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Enter()
    {
        if (!_lock.TryEnter())
        {
            EnterContended();
        }
    }

    /// <summary>Gives the lock up.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Exit() => _lock.Exit();

    /// <summary>
    /// Between two holds of long work: lets those who wait have the lock first. Bounded, because somebody always waits for a lock that is busy
    /// enough.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void GiveWay()
    {
        if (IsContended)
        {
            GiveWaySlow();
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private readonly void GiveWaySlow()
    {
        const int Rounds = 32;
        for (int i = 0; i < Rounds && IsContended; i++)
        {
            Thread.SpinWait(1 << int.Min(i, 6));
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void EnterContended()
    {
        Atomic.Add(ref _waiting, 1);
        _lock.EnterContended();
        Atomic.Add(ref _waiting, -1);
    }
}
