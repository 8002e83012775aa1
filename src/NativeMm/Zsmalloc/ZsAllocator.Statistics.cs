using System.Globalization;
using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Zsmalloc;

/// <content>Figures, and giving everything back.</content>
internal sealed unsafe partial class ZsAllocator<TLocking, TStatistics, TPause>
{
    /// <inheritdoc/>
    public override long FramesCompacted => Atomic.LoadAcquire(ref _framesCompacted);

    /// <inheritdoc/>
    public override ZsPoolStatistics GetStatistics()
    {
        using EndGate.Visit inside = Visit();
        long objects = 0;
        long usedBytes = 0;
        long classBytes = 0;
        long moved = 0;
        long movedBytes = 0;
        for (uint @class = 0; @class < (uint)ClassCount; @class++)
        {
            EnterClass(@class);
            for (uint index = @class * (uint)_stripes; index < (@class + 1) * (uint)_stripes; index++)
            {
                ZsShard<TStatistics>* shard = Shard(index);
                objects += shard->Used;
                usedBytes += shard->UsedBytes;
                classBytes += shard->Used * _classes[@class].Bytes;
                moved += shard->ObjectsMoved;
                movedBytes += shard->BytesMoved;
            }

            ExitClass(@class);
        }

        return new ZsPoolStatistics
        {
            Objects = objects,
            UsedBytes = usedBytes,
            ClassBytes = classBytes,
            Frames = TotalFrames,
            MetadataBytes = MetadataBytes(),
            CellsRetired = Atomic.LoadAcquire(ref _cellsRetired),
            FramesCompacted = FramesCompacted,
            ObjectsMoved = moved,
            BytesMoved = movedBytes,
            FramesMigrated = Atomic.LoadAcquire(ref _framesMigrated),
        };
    }

    /// <inheritdoc/>
    public override IReadOnlyList<ZsClassStatistics> GetClassStatistics()
    {
        using EndGate.Visit inside = Visit();
        var rows = new List<ZsClassStatistics>(ClassCount);
        for (uint @class = 0; @class < (uint)ClassCount; @class++)
        {
            rows.Add(StatisticsOf(@class));
        }

        return rows;
    }

    /// <inheritdoc/>
    public override IReadOnlyList<LockStatisticsSnapshot> GetLockStatistics()
    {
        using EndGate.Visit inside = Visit();
        List<LockStatisticsSnapshot> rows = [];
        if (TStatistics.Enabled)
        {
            for (uint index = 0; index < (TLocking.OneLock ? 1u : (uint)ShardCount); index++)
            {
                string name = TLocking.OneLock
                    ? _options.Name
                    : string.Create(CultureInfo.InvariantCulture, $"{_options.Name}-{_classes[index / (uint)_stripes].Bytes}/{index % (uint)_stripes}");
                AddRow(rows, ref Shard(index)->Lock, name);
            }

            AddRow(rows, ref _cellLock, _options.Name + "-cells");
            AddRow(rows, ref _zspageLock, _options.Name + "-zspages");
        }

        return rows;
    }

    /// <inheritdoc/>
    public override (long Objects, long Bytes) Release()
    {
        if (_liveTag != _tag)
        {
            return default;
        }

        _frames.RemoveShrinker(this);
        _end.Close();
        _gate.Close();
        (long Objects, long Bytes) last = CountObjects();
        try
        {
            FreeFrames();
        }
        catch (ObjectDisposedException)
        {
            // The allocator went first, as with its runtime, and took all frames along.
        }

        _frameCount = 0;
        _liveTag = uint.MaxValue;
        ReleaseTables();
        return last;
    }

    private void FreeFrames()
    {
        Span<Pfn> frames = stackalloc Pfn[ZsPoolOptions.ChainFramesLimit];
        for (uint zspage = 1; zspage < _zspageEnd; zspage++)
        {
            Zspage* page = PageAt(zspage);
            if (page->ShardPlusOne != 0)
            {
                int count = _classes[(page->ShardPlusOne - 1) / (uint)_stripes].Frames;
                for (int i = 0; i < count; i++)
                {
                    frames[i] = new Pfn(Zspage.FramesOf(page)[i]);
                }

                _frames.FreeBulk(frames[..count], Order.Zero);
            }
        }
    }

    /// <summary>Objects alive and their bytes, without managed memory.</summary>
    private (long Objects, long Bytes) CountObjects()
    {
        long objects = 0;
        long bytes = 0;
        for (uint index = 0; index < (uint)ShardCount; index++)
        {
            objects += Atomic.LoadAcquire(ref Shard(index)->Used);
            bytes += Atomic.LoadAcquire(ref Shard(index)->UsedBytes);
        }

        return (objects, bytes);
    }

    /// <inheritdoc/>
    public override bool IsLeased()
    {
        // A look, and no work: it need not wait for the end of a rest.
        if (!_end.TryEnter())
        {
            return false;
        }

        bool isPinned = IsPinned();
        _end.Exit();
        return isPinned;
    }

    private bool IsPinned()
    {
        for (uint zspage = 1; zspage < _zspageEnd; zspage++)
        {
            if (PageAt(zspage)->ShardPlusOne != 0 && Zspage.IsPinned(PageAt(zspage)))
            {
                return true;
            }
        }

        return false;
    }

    private static void AddRow(List<LockStatisticsSnapshot> rows, ref WaiterLock<TStatistics> guard, string name)
    {
        if (typeof(TStatistics) == typeof(LockStatistics))
        {
            // Not under the lock: that would count itself. A row that changes meanwhile may be off by what changes.
            LockStatisticsSnapshot row = Unsafe.As<TStatistics, LockStatistics>(ref guard.Statistics).Snapshot(name);
            if (row.Acquisitions != 0)
            {
                rows.Add(row);
            }
        }
    }

    private ZsClassStatistics StatisticsOf(uint @class)
    {
        ref readonly ZsClass geometry = ref _classes[@class];
        int[] groups = new int[ZsClass.Groups];
        int zspages = 0;
        long used = 0;
        long bytes = 0;
        EnterClass(@class);
        for (uint index = @class * (uint)_stripes; index < (@class + 1) * (uint)_stripes; index++)
        {
            ZsShard<TStatistics>* shard = Shard(index);
            for (int group = 0; group < groups.Length; group++)
            {
                groups[group] += shard->Lists.Counts[group];
            }

            zspages += (int)shard->Zspages;
            used += shard->Used;
            bytes += shard->UsedBytes;
        }

        ExitClass(@class);
        return new ZsClassStatistics
        {
            Index = geometry.Index,
            SizeBytes = geometry.Bytes,
            FramesPerZspage = geometry.Frames,
            ObjectsPerZspage = geometry.Objects,
            Groups = groups,
            Zspages = zspages,
            ObjectsAllocated = (long)zspages * geometry.Objects,
            ObjectsUsed = used,
            UsedBytes = bytes,
        };
    }

    // All stripes of a class at once: a compactor moves zspages from stripe to stripe, which would be counted twice or not at all.
    private void EnterClass(uint @class)
    {
        for (uint index = @class * (uint)_stripes; index < (@class + 1) * (uint)_stripes; index++)
        {
            LockOf(Shard(index)).Enter();
        }
    }

    private void ExitClass(uint @class)
    {
        for (uint index = (@class + 1) * (uint)_stripes; index > @class * (uint)_stripes; index--)
        {
            LockOf(Shard(index - 1)).Exit();
        }
    }

    private long MetadataBytes() =>
        ((long)_cellEnd << CellShift)
        + ((long)_zspageEnd << DescriptorShift)
        + (TotalFrames * sizeof(uint))
        + (long)ShardBytes;

    private void ReleaseTables()
    {
        _cells?.Release();
        _zspages?.Release();
        Give((nuint)_classOf, ZsPool.ObjectBytesMax + 1);
        Give((nuint)_classes, (nuint)(ClassCount * sizeof(ZsClass)));
        Give((nuint)_shards, ShardBytes);
        if (_zspageOfFrame != null)
        {
            _zone.RemoveArray((nuint)_zspageOfFrame);
        }

        _classOf = null;
        _classes = null;
        _shards = null;
        _zspageOfFrame = null;
        ZsPoolTags.Return(_tag);
    }

    private void Give(nuint address, nuint bytes)
    {
        if (address != 0)
        {
            _zone.Platform.ReleaseOrKeep(address, bytes);
        }
    }
}
