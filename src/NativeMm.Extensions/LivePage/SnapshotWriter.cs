using System.Text.Json;
using NativeMm.Buffers;
using NativeMm.Diagnostics;
using NativeMm.Heap;
using NativeMm.Primitives;
using NativeMm.Runtime;
using NativeMm.Slabs;
using NativeMm.Zsmalloc;

namespace NativeMm.Extensions;

/// <summary>Writes one snapshot of the process as JSON. By hand: no reflection, so that it works in programs compiled ahead of time.</summary>
internal sealed class SnapshotWriter(
    Utf8JsonWriter json, IEnumerable<MemoryRuntime> runtimes, ProcessLimit limit, MemoryBudget budget, TimeProvider time)
{
    private const int CellsMax = 1024;

    /// <summary>Writes it.</summary>
    public void Write()
    {
        var counted = new List<(MemoryRuntime Runtime, RuntimeStatistics Now)>();
        foreach (MemoryRuntime runtime in runtimes)
        {
            counted.Add((runtime, runtime.GetStatistics(withSpaces: false)));
        }

        json.WriteStartObject();
        json.WriteString("time", time.GetUtcNow());
        WriteProcess(counted);
        WriteCollector();
        json.WriteStartArray("runtimes");
        foreach ((MemoryRuntime runtime, RuntimeStatistics now) in counted)
        {
            WriteRuntime(runtime, now);
        }

        json.WriteEndArray();
        WritePools();
        WriteBudget();
        json.WriteEndObject();
    }

    /// <summary>Categories that add up to what is resident. What the two heaps have committed is a bound of what is resident of them.</summary>
    private void WriteProcess(List<(MemoryRuntime Runtime, RuntimeStatistics Now)> counted)
    {
        long resident = limit.ReadResident();
        long pooled = SlabStores.All().Sum(pool => pool.GetStatistics() is var now ? now.RentedNowBytes + now.PooledBytes : 0);
        long reserved = SlabStores.All().Sum(pool => pool.GetStatistics().ReservedBytes);
        long native = counted.Sum(one => (long)one.Now.CommittedBytes);
        long managed = long.Max(GC.GetGCMemoryInfo(GCKind.Any).TotalCommittedBytes - reserved, 0);

        // Each takes its part of what is left; the rest is what neither of the two has.
        long left = resident;
        json.WriteStartObject("process");
        json.WriteNumber("resident", resident);
        json.WriteNumber("limit", limit.Bytes);
        json.WriteStartArray("categories");
        Category("NativeMm", native);
        Category("buffer pools", pooled);
        Category("garbage collector", managed);
        Category("code, stacks and the rest", left);
        json.WriteEndArray();
        json.WriteNumber("failedAllocations", MemoryFaultCounts.FailedAllocations);
        json.WriteStartObject("faults");
        foreach (MemoryFaultKind kind in Enum.GetValues<MemoryFaultKind>())
        {
            json.WriteNumber(ProcessMeter.FaultName(kind), MemoryFaultCounts.Of(kind));
        }

        json.WriteEndObject();
        Platform.ProcessMemory.ReadPageFaults(out long minor, out long major);
        json.WriteNumber("minorPageFaults", minor);
        json.WriteNumber("majorPageFaults", major);
        json.WriteEndObject();

        void Category(string name, long bytes)
        {
            bytes = long.Min(bytes, left);
            left -= bytes;
            json.WriteStartObject();
            json.WriteString("name", name);
            json.WriteNumber("bytes", bytes);
            json.WriteEndObject();
        }
    }

    private void WriteCollector()
    {
        GCMemoryInfo last = GC.GetGCMemoryInfo(GCKind.Any);
        json.WriteStartObject("gc");
        json.WriteNumber("committed", last.TotalCommittedBytes);
        json.WriteNumber("heap", GC.GetTotalMemory(forceFullCollection: false));
        json.WriteNumber("available", last.TotalAvailableMemoryBytes);
        json.WriteNumber("gen0", GC.CollectionCount(0));
        json.WriteNumber("gen1", GC.CollectionCount(1));
        json.WriteNumber("gen2", GC.CollectionCount(2));
        json.WriteNumber("pauseSeconds", GC.GetTotalPauseDuration().TotalSeconds);
        json.WriteEndObject();
    }

    private void WriteRuntime(MemoryRuntime runtime, RuntimeStatistics now)
    {
        json.WriteStartObject();
        json.WriteString("name", runtime.Heap.Name);
        json.WriteStartObject("states");
        foreach ((string state, long bytes) in MemoryRuntime.StatesOf(now))
        {
            json.WriteNumber(state, bytes);
        }

        json.WriteEndObject();
        json.WriteNumber("opened", now.OpenedBytes);
        json.WriteNumber("committed", now.CommittedBytes);
        json.WriteNumber("reserved", now.ReservedBytes);
        json.WriteNumber("returnedTotal", now.ReturnedBytes);
        json.WriteNumber("trimPasses", now.TrimPasses);
        json.WriteNumber("heapBytes", now.HeapBytes);
        json.WriteNumber("zsmallocBytes", now.PoolBytes);
        json.WriteNumber("vmapBytes", now.VmapBytes);
        json.WriteNumber("spaceBytes", now.SpaceBytes);
        json.WriteNumber("cacheBytes", now.CacheBytes);
        json.WriteNumber("reports", now.Reporting.ReportedBlocks);
        json.WriteNumber("reportFailures", now.Reporting.DeviceFailures);
        json.WriteNumber("framesCompacted", now.FramesCompacted);
        json.WriteNumber("perCoreFrames", now.Zone.PerCoreFrames);
        json.WriteStartArray("freeBlocks");
        foreach (ulong blocks in now.Zone.FreeBlocks)
        {
            json.WriteNumberValue(blocks);
        }

        json.WriteEndArray();
        WriteMap(runtime.MapFrames());
        WriteHeaps(now.Heaps);
        WritePools(runtime.Pools());
        WriteLocks(now);
        json.WriteEndObject();
    }

    /// <summary>Blocks of 2 MiB, or as many together as it takes for the page to show them all.</summary>
    private void WriteMap(List<FrameMapCell> cells)
    {
        int together = int.Max((cells.Count + CellsMax - 1) / CellsMax, 1);
        json.WriteNumber("cellFrames", together * 512);
        json.WriteStartArray("map");
        for (int i = 0; i < cells.Count; i += together)
        {
            FrameMapCell[] group = [.. cells.Skip(i).Take(together)];
            json.WriteStartArray();
            json.WriteNumberValue(group.Sum(cell => cell.Heap));
            json.WriteNumberValue(group.Sum(cell => cell.Zsmalloc));
            json.WriteNumberValue(group.Sum(cell => cell.Vmap));
            json.WriteNumberValue(group.Sum(cell => cell.Other));
            json.WriteNumberValue(group.Sum(cell => cell.Free));
            json.WriteNumberValue(group.Sum(cell => cell.Returned));
            json.WriteEndArray();
        }

        json.WriteEndArray();
    }

    private void WriteHeaps(IReadOnlyList<HeapStatistics> heaps)
    {
        json.WriteStartArray("heaps");
        foreach (HeapStatistics heap in heaps)
        {
            json.WriteStartObject();
            json.WriteString("name", heap.Name);
            json.WriteNumber("live", heap.LiveBytes);
            json.WriteNumber("cached", heap.CachedBytes);
            json.WriteNumber("free", heap.FreeBytes);
            json.WriteNumber("large", heap.LargeBytes);
            json.WriteNumber("threadCaches", heap.ThreadCaches);
            json.WriteStartArray("classes");
            foreach (HeapClassStatistics row in heap.Classes)
            {
                json.WriteStartObject();
                json.WriteNumber("block", row.BlockBytes);
                json.WriteNumber("slabs", row.Slabs);
                json.WriteNumber("live", row.LiveBlocks);
                json.WriteNumber("cached", row.CachedBlocks);
                json.WriteNumber("free", row.FreeBlocks);
                json.WriteNumber("waits", row.LockContentions);
                json.WriteNumber("acquisitions", row.LockAcquisitions);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private void WritePools(ZsPool[] pools)
    {
        json.WriteStartArray("zsmalloc");
        foreach (ZsPool pool in pools)
        {
            if (LivePageTexts.TryCount(pool, out ZsPoolStatistics? now))
            {
                json.WriteStartObject();
                json.WriteString("name", pool.Options.Name);
                json.WriteNumber("objects", now.Objects);
                json.WriteNumber("used", now.UsedBytes);
                json.WriteNumber("frames", now.Frames * (long)Pfn.FrameBytes);
                json.WriteNumber("compacted", now.FramesCompacted);
                json.WriteEndObject();
            }
        }

        json.WriteEndArray();
    }

    private void WriteLocks(RuntimeStatistics now)
    {
        json.WriteStartObject("waits");
        json.WriteNumber("heap", now.Contentions.Heap);
        json.WriteNumber("vmap", now.Contentions.Vmap);
        json.WriteNumber("zsmalloc", now.Contentions.Zsmalloc);
        json.WriteEndObject();
    }

    private void WritePools()
    {
        json.WriteStartArray("pools");
        foreach (ITrimmedPool pool in SlabStores.All())
        {
            BufferPoolStatistics now = pool.GetStatistics();
            json.WriteStartObject();
            json.WriteString("name", pool.Name);
            json.WriteNumber("rented", now.RentedNowBytes);
            json.WriteNumber("pooled", now.PooledBytes);
            json.WriteNumber("reserved", now.ReservedBytes);
            json.WriteNumber("evicted", now.EvictedBytes);
            json.WriteNumber("rents", now.RentsNow);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private void WriteBudget()
    {
        json.WriteStartObject("budget");
        json.WriteNumber("total", budget.TotalBytes);
        json.WriteNumber("margin", budget.TotalBytes == 0 ? 0 : budget.MarginBytes);
        json.WriteNumber("managedLimit", budget.ManagedLimitBytes);
        json.WriteStartArray("events");
        foreach (MemoryPressureEvent one in budget.Events.Reverse())
        {
            json.WriteStartObject();
            json.WriteString("time", one.Time);
            json.WriteNumber("freeBefore", one.FreeBefore);
            json.WriteNumber("freeAfter", one.FreeAfter);
            json.WriteNumber("caches", one.Caches);
            json.WriteNumber("handlers", one.Handlers);
            json.WriteBoolean("collected", one.Collected);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }
}
