using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Caching;

/// <content>Giving back, asked or not.</content>
internal sealed unsafe partial class CacheEngine<TPolicy>
{
    /// <inheritdoc/>
    public override ulong Shrink(ulong framesWanted)
    {
        if (!Gate.TryEnter())
        {
            return 0;
        }

        try
        {
            long now = CacheTimes.Now(Options.TimeProvider);
            ulong given = 0;
            int inVain = 0;
            while (given < framesWanted && inVain <= _shards.Length)
            {
                CacheShard<TPolicy> shard = _shards[(int)(Atomic.Add(ref _turn, 1) & ShardMask)];

                // Whoever is inside on this very thread asks for memory: what he works on must not change.
                if (shard.Lock.IsHeldByCurrentThread || !shard.Lock.TryEnter())
                {
                    inVain++;
                    continue;
                }

                shard.Now = now;
                ulong before = shard.Space.FrameBytes;
                bool gave = shard.GiveBack();
                ulong after = shard.Space.FrameBytes;
                Tell(Exit(shard));
                given += before > after ? (before - after) / Primitives.Pfn.FrameBytes : 0;
                inVain = gave ? 0 : inVain + 1;
            }

            return given;
        }
        finally
        {
            Gate.Exit();
        }
    }

    /// <inheritdoc/>
    public override void TrimIdle()
    {
        if (!Gate.TryEnter())
        {
            return;
        }

        try
        {
            long now = CacheTimes.Now(Options.TimeProvider);
            foreach (CacheShard<TPolicy> shard in _shards)
            {
                if (shard.Lock.TryEnter())
                {
                    shard.Now = now;
                    shard.TrimIdle();
                    Tell(Exit(shard));
                }
            }
        }
        finally
        {
            Gate.Exit();
        }
    }

    /// <inheritdoc/>
    protected override void TrimUnlessEnded()
    {
        if (!Gate.TryEnter())
        {
            return;
        }

        try
        {
            _ = TrimAll(0, CacheTimes.Now(Options.TimeProvider));
        }
        finally
        {
            Gate.Exit();
        }
    }

    /// <inheritdoc/>
    protected override void ValidateUnlessEnded()
    {
        if (!Gate.TryEnter())
        {
            return;
        }

        try
        {
            ValidateInside();
        }
        finally
        {
            Gate.Exit();
        }
    }

    private ulong TrimAll(double share, long now)
    {
        ulong bytes = 0;
        foreach (CacheShard<TPolicy> shard in _shards)
        {
            Enter(shard, now);
            ulong before = shard.Space.FrameBytes;
            shard.Trim(share);
            ulong after = shard.Space.FrameBytes;
            bytes += before > after ? before - after : 0;
            Tell(Exit(shard));
        }

        return bytes;
    }

    private void ValidateInside()
    {
        Invariant.Check(Budget.Used <= Budget.Limit, $"The cache '{Options.Name}' has {Budget.Used} bytes of {Budget.Limit}.");
        foreach (CacheShard<TPolicy> shard in _shards)
        {
            shard.Lock.Enter();
            try
            {
                shard.Validate();
            }
            finally
            {
                shard.Lock.Exit();
            }
        }
    }
}
