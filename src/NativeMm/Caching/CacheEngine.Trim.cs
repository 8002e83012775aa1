using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Caching;

/// <content>Giving back, asked or not.</content>
internal sealed unsafe partial class CacheEngine<TPolicy>
{
    /// <summary>How often a pass looks for a shard's lock before it leaves it for the next pass.</summary>
    private const int LooksMax = 8;

    /// <inheritdoc/>
    public override ulong Shrink(ulong framesWanted)
    {
        if (!Gate.TryEnter())
        {
            return 0;
        }

        try
        {
            long now = NowForOthers();
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
                Invariant.Assert(after <= before, $"A shard that gave back has {after} bytes of frames, and had {before}.");
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
            long now = NowForOthers();
            foreach (CacheShard<TPolicy> shard in _shards)
            {
                TrimIdle(shard, now);
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
            _ = TrimAll(0, NowForOthers());
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

    /// <summary>A pass over a shard, in steps, so that nobody waits long for its lock. What somebody else holds is left for the next pass.</summary>
    private void TrimIdle(CacheShard<TPolicy> shard, long now)
    {
        if (!TryEnterSoon(shard, now))
        {
            return;
        }

        CachePass pass = shard.BeginPass();
        bool goesOn = shard.Step(ref pass);
        Tell(Exit(shard));
        while (goesOn && !IsEnded && TryEnterSoon(shard, now))
        {
            goesOn = shard.Step(ref pass);
            Tell(Exit(shard));
        }

        if (pass.IsSparse)
        {
            ShrinkTable(shard, now);
        }
    }

    private static bool TryEnterSoon(CacheShard<TPolicy> shard, long now)
    {
        var backoff = default(Backoff);
        for (int look = 0; look < LooksMax; look++)
        {
            Invariant.Assert(!shard.Lock.IsHeldByCurrentThread, "A pass comes on a thread that is under the lock of a shard.");
            if (shard.Lock.TryEnter())
            {
                shard.Now = now;
                return true;
            }

            backoff.Wait();
        }

        return false;
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
            Invariant.Assert(after <= before, $"A shard that was trimmed has {after} bytes of frames, and had {before}.");
            bytes += before > after ? before - after : 0;
            Tell(Exit(shard));
            bytes += (ulong)ShrinkTable(shard, now);
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
