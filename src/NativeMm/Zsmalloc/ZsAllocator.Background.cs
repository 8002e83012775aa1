using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Zsmalloc;

/// <content>Compaction that begins by itself, and what the end of the pool has to wait for.</content>
internal sealed unsafe partial class ZsAllocator<TLocking, TStatistics, TPause>
{
    // States of a shard's wish: none → to be asked, under its lock; → asked, by the thread that freed; → none, by the work.
    private const int NoWish = 0;
    private const int WantsToBeAsked = 1;
    private const int Asked = 2;

    /// <summary>Less than this many zspages are not worth a compactor.</summary>
    private const int WasteZspagesMin = 4;

    /// <summary>The longest that a pass of idle time begins with another class.</summary>
    private static readonly TimeSpan s_idlePassMax = TimeSpan.FromMilliseconds(10);

    private readonly FailureLog _failures = new("the compactor of a ZsPool");

    // Null where nothing compacts by itself.
    private readonly Compaction? _compaction;

    // Written by the one who makes passes of idle time.
    private int _idleClass;

    // Work that the caller of Dispose does not know of is inside.
    private ZsWorkGate _gate;

    // Who counts, checks or keeps the pool at rest is inside, and begins no work. Closed before the gate above, which they may wait for.
    private EndGate _end;

    /// <summary>One pass over the classes that wish for it, on the thread of the jobs. What it throws is written down.</summary>
    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "Work in the background must not end a process.")]
    private void CompactInBackground()
    {
        if (!_gate.TryEnter())
        {
            return;
        }

        try
        {
            CompactWished();
        }
        catch (Exception failure)
        {
            _failures.Note(failure);
        }
        finally
        {
            _gate.Exit();
        }
    }

    private void CompactWished()
    {
        // With too many at work the wishes are dropped: the next free makes them again.
        bool allowed = Atomic.Add(ref _compactors, 1) <= _compactorsMax;
        try
        {
            for (uint index = 0; index < (uint)ShardCount; index++)
            {
                if (Atomic.CompareExchange(ref Shard(index)->WantsCompaction, Asked, NoWish) && allowed)
                {
                    _ = TryCompactClass(index / (uint)_stripes, out _);
                }
            }
        }
        finally
        {
            Atomic.Add(ref _compactors, -1);
            Invariant.Assert(Atomic.LoadAcquire(ref _compactors) >= 0, $"{_compactors} compactors are left.");
        }
    }

    /// <inheritdoc/>
    public override long ReleaseEmpty()
    {
        if (!_gate.TryEnter())
        {
            return 0;
        }

        long freed = ReleaseAllEmpty();
        _gate.Exit();
        return freed;
    }

    /// <inheritdoc/>
    public override void TrimIdle()
    {
        if (!_gate.TryEnter())
        {
            return;
        }

        ReleaseAllEmpty();
        if (_options.AutoCompact && TryBeginCompacting())
        {
            CompactIdle();
            Atomic.Add(ref _compactors, -1);
        }

        _gate.Exit();
    }

    private long ReleaseAllEmpty()
    {
        long freed = 0;
        for (uint index = 0; index < (uint)ShardCount; index++)
        {
            ZsShard<TStatistics>* shard = Shard(index);

            // A stale look leaves a zspage to the next pass.
            if ((Atomic.LoadAcquire(ref shard->Lists.Present) & 1) != 0)
            {
                freed += ReleaseEmpty(shard, _classes[index / (uint)_stripes]);
            }
        }

        return freed;
    }

    /// <summary>Compacts the classes that are at rest, whatever their waste, one after the other for as long as a pass may last.</summary>
    private void CompactIdle()
    {
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < ClassCount; i++)
        {
            _idleClass = _idleClass == 0 ? ClassCount - 1 : _idleClass - 1;
            if (IsIdle((uint)_idleClass) && Stopwatch.GetElapsedTime(start) < s_idlePassMax)
            {
                _ = TryCompactClass((uint)_idleClass, out _);
            }
        }
    }

    /// <summary>Whether a class has zspages that could be freed, and nobody took a slot of it since the last call.</summary>
    private bool IsIdle(uint @class)
    {
        ref readonly ZsClass geometry = ref _classes[@class];
        long free = 0;
        bool idle = true;
        for (uint index = @class * (uint)_stripes; index < (@class + 1) * (uint)_stripes; index++)
        {
            ZsShard<TStatistics>* shard = Shard(index);
            free += FreeSlots(shard, geometry);
            uint takes = Atomic.LoadAcquire(ref shard->Takes);
            idle &= takes == shard->TakesAtRest;
            shard->TakesAtRest = takes;
        }

        return idle && free >= geometry.Objects;
    }

    /// <inheritdoc/>
    public override long SlotBytes()
    {
        if (!_gate.TryEnter())
        {
            return 0;
        }

        long bytes = 0;
        for (uint index = 0; index < (uint)ShardCount; index++)
        {
            bytes += Atomic.LoadAcquire(ref Shard(index)->Used) * _classes[index / (uint)_stripes].Bytes;
        }

        _gate.Exit();
        return bytes;
    }

    private long ReleaseEmpty(ZsShard<TStatistics>* shard, in ZsClass geometry)
    {
        ref WaiterLock<TStatistics> guard = ref LockOf(shard);
        long freed = 0;
        uint none = 0;
        uint dead;
        guard.Enter();
        while ((dead = TakeDead(shard, ref none)) != 0)
        {
            guard.Exit();
            freed += GiveBack(dead, geometry.Frames);
            guard.Enter();
        }

        guard.Exit();
        return freed;
    }

    /// <summary>Makes the class wish for a compactor when it could free enough. Under the lock.</summary>
    private void NoteWaste(ZsShard<TStatistics>* shard, in ZsClass geometry)
    {
        if (!_options.AutoCompact || shard->WantsCompaction != NoWish)
        {
            return;
        }

        long slots = (long)shard->Zspages * geometry.Objects;
        Invariant.Assert(LockOf(shard).IsHeld && shard->Used >= 0 && shard->Used <= slots, $"{shard->Used} objects are in {slots} slots, or their shard is looked at without the lock.");
        long zspages = (slots - shard->Used) / geometry.Objects;
        if (zspages >= WasteZspagesMin && zspages * 100 >= (long)shard->Zspages * _options.CompactThresholdPercent)
        {
            Atomic.StoreRelease(ref shard->WantsCompaction, WantsToBeAsked);
        }
    }

    /// <inheritdoc/>
    public override bool TryBeginRest()
    {
        if (!_end.TryEnter())
        {
            return false;
        }

        _gate.BeginRest();
        return true;
    }

    /// <inheritdoc/>
    public override void EndRest()
    {
        _gate.EndRest();
        _end.Exit();
    }

    /// <summary>Enters, for whoever may come at any moment: an exporter of metrics, a check.</summary>
    private EndGate.Visit Visit()
    {
        ObjectDisposedException.ThrowIf(!_end.TryEnter(), typeof(ZsPool));
        return new EndGate.Visit(ref _end);
    }

    private sealed class Compaction(ZsAllocator<TLocking, TStatistics, TPause> owner) : BackgroundJob
    {
        protected override void Run() => owner.CompactInBackground();
    }
}
