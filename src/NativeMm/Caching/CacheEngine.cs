using System.Numerics;
using NativeMm.Diagnostics;
using NativeMm.Eviction;
using NativeMm.Heap;
using NativeMm.Primitives;
using NativeMm.Runtime;

namespace NativeMm.Caching;

/// <summary>A store with a policy: its shards, and what concerns more than one of them.</summary>
/// <typeparam name="TPolicy">Who goes.</typeparam>
internal sealed unsafe partial class CacheEngine<TPolicy> : CacheStore
    where TPolicy : struct, IReplacementPolicy
{
    private const long ShardBytes = 8 << 20;
    private const int ShardsPerCore = 4;
    private const int SegmentBytesMin = 32 << 10;
    private const int SegmentBytesMax = 256 << 10;
    private const int SegmentsPerShard = 32;
    private const int PackedShare = 4;

    private readonly CacheShard<TPolicy>[] _shards;
    private readonly int _segmentBytes;
    private readonly long _packedBytesMax;
    private SleepLock _endLock;
    private bool _hasEnded;
    private uint _turn;

    public CacheEngine(MemoryRuntime runtime, NativeCacheOptions options)
        : base(runtime, options)
    {
        long cores = BitOperations.RoundUpToPowerOf2((uint)Environment.ProcessorCount) * ShardsPerCore;
        int shards = (int)long.Clamp(FloorToPowerOf2(options.SizeLimit / ShardBytes), 1, long.Min(cores, ShardsMax));
        _segmentBytes = (int)long.Clamp(FloorToPowerOf2(options.SizeLimit / shards / SegmentsPerShard), SegmentBytesMin, SegmentBytesMax);
        _packedBytesMax = _segmentBytes / PackedShare;
        Invariant.Assert(BitOperations.IsPow2(shards) && _packedBytesMax / CacheRecord.UnitBytes <= ushort.MaxValue, $"A cache of {shards} shards has segments of {_segmentBytes} bytes.");
        ShardMask = (uint)shards - 1;
        _shards = new CacheShard<TPolicy>[shards];
        try
        {
            for (int i = 0; i < shards; i++)
            {
                _shards[i] = MakeShard(i);
            }

            runtime.Enter(this);
            Frames.AddShrinker(this);
        }
        catch
        {
            End();
            throw;
        }
    }

    /// <inheritdoc/>
    public override ulong FrameBytes
    {
        get
        {
            if (!Gate.TryEnter())
            {
                return 0;
            }

            ulong bytes = 0;
            foreach (CacheShard<TPolicy> shard in _shards)
            {
                bytes += shard.Space.FrameBytes;
            }

            Gate.Exit();
            return bytes;
        }
    }

    /// <inheritdoc/>
    public override long Count
    {
        get
        {
            ThrowIfEnded();
            long count = 0;
            foreach (CacheShard<TPolicy> shard in _shards)
            {
                count += shard.Count;
            }

            return count;
        }
    }

    /// <inheritdoc/>
    public override bool Remove(ReadOnlySpan<byte> key)
    {
        long now = CacheTimes.Now(Options.TimeProvider);
        using StripedEndGate.Visit inside = Inside();
        ulong hash = Hash.Of(key);
        CacheShard<TPolicy> shard = ShardOf(hash);
        Enter(shard, now);
        bool removed = shard.Remove(hash, key, CacheEvictionReason.Removed);
        List<CacheFarewell>? left = Exit(shard);
        Tell(left);
        return removed;
    }

    /// <inheritdoc/>
    public override void Clear()
    {
        long now = CacheTimes.Now(Options.TimeProvider);
        using StripedEndGate.Visit inside = Inside();
        foreach (CacheShard<TPolicy> shard in _shards)
        {
            Enter(shard, now);
            shard.Clear();
            Tell(Exit(shard));
        }
    }

    /// <inheritdoc/>
    public override ulong Trim(double share)
    {
        long now = CacheTimes.Now(Options.TimeProvider);
        using StripedEndGate.Visit inside = Inside();
        return TrimAll(share, now);
    }

    /// <inheritdoc/>
    public override CacheStatistics GetStatistics()
    {
        using StripedEndGate.Visit inside = Inside();
        return new CacheStatistics
        {
            Count = _shards.Sum(shard => (long)shard.Count),
            UsedBytes = Budget.Used,
            SizeLimit = Budget.Limit,
            EntryBytes = _shards.Sum(shard => shard.EntryBytes),
            IndexBytes = _shards.Sum(shard => shard.IndexBytes),
            Hits = Counts.Sum(hits: true),
            Misses = Counts.Sum(hits: false),
            Sets = _shards.Sum(shard => shard.Sets),
            Refusals = Refusals,
            Evictions = _shards.Sum(shard => shard.Evictions),
            Expirations = _shards.Sum(shard => shard.Expirations),
        };
    }

    /// <inheritdoc/>
    public override void Validate()
    {
        using StripedEndGate.Visit inside = Inside();
        ValidateInside();
    }

    /// <inheritdoc/>
    public override void End()
    {
        Frames.RemoveShrinker(this);
        Gate.TryClose();
        Gate.AwaitEmpty();
        using SleepLock.Scope ending = _endLock.EnterScope();
        if (_hasEnded)
        {
            return;
        }

        _hasEnded = true;
        for (int i = 0; i <= ShardMask; i++)
        {
            Atomic.StoreRelease(ref Roots[i], 0);
        }

        AwaitReaders();
        Invariant.Assert(Gate.IsClosed && Gate.Guests == 0 && !Readers.HasLeases(), "A cache ends under a call or a lease.");
        foreach (CacheShard<TPolicy>? shard in _shards)
        {
            if (shard is not null)
            {
                FreeTable(shard.End());
            }
        }

        Runtime.Leave(this);
    }

    private static long FloorToPowerOf2(long value) => value <= 0 ? 0 : 1L << BitOperations.Log2((ulong)value);

    private CacheShard<TPolicy> ShardOf(ulong hash) => _shards[(int)((uint)(hash >> 32) & ShardMask)];

    private CacheShard<TPolicy> MakeShard(int number)
    {
        var space = new CacheSpace(Frames, Heap, Budget, _segmentBytes);
        CacheTable* table = TryMakeTable(CacheTable.BucketsMin, space);
        if (table == null)
        {
            space.End();
            throw OutOfIndex();
        }

        return new CacheShard<TPolicy>(Roots + number, table, space, Readers, Budget, Hash, Options);
    }

    [System.Diagnostics.CodeAnalysis.SuppressMessage("Usage", "CA2201:Do not raise reserved exception types", Justification = "There is no memory.")]
    private OutOfMemoryException OutOfIndex() => new($"There is no memory for the index of the cache '{Options.Name}'.");

    /// <summary>Waits for lookups and for the leases that they left.</summary>
    private void AwaitReaders()
    {
        Span<ulong> words = stackalloc ulong[AddressSpaces.Hazards.Capacity];
        var backoff = default(Backoff);
        while (!Readers.Await(words).IsEmpty)
        {
            backoff.Wait();
            _ = Readers.HasLeases();
        }
    }

    private static void Enter(CacheShard<TPolicy> shard, long now)
    {
        Invariant.Assert(!shard.Lock.IsHeldByCurrentThread, "A thread takes the lock of a shard under which it is already.");
        shard.Lock.Enter();
        shard.Now = now;
    }

    private static List<CacheFarewell>? Exit(CacheShard<TPolicy> shard)
    {
        List<CacheFarewell>? left = shard.TakeFarewells();
        shard.AssertWhole();
        shard.Lock.Exit();
        return left;
    }
}
