using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using NativeMm.Primitives;

namespace NativeMm.Zsmalloc;

/// <summary>A spin lock that tells its holder whether somebody waits, so that a compactor can step back. Never copy it.</summary>
/// <typeparam name="TStatistics">What the lock records about itself.</typeparam>
internal struct ZsLock<TStatistics>
    where TStatistics : unmanaged, ILockStatistics
{
    private SpinLock<TStatistics> _lock;
    private int _waiting;

    /// <summary>Whether somebody waits. Only a hint: a stale answer costs or saves one object copy.</summary>
    public readonly bool IsContended => Atomic.LoadAcquire(in _waiting) != 0;

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

    /// <summary>Takes the lock if it is free.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryEnter() => _lock.TryEnter();

    /// <summary>Gives the lock up.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Exit() => _lock.Exit();

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void EnterContended()
    {
        Atomic.Add(ref _waiting, 1);
        _lock.EnterContended();
        Atomic.Add(ref _waiting, -1);
    }
}
