using System.Diagnostics;
using System.Globalization;
using NativeMm.Buffers;
using NativeMm.Lab.Harness;
using NativeMm.Lab.Pages;
using NativeMm.Primitives;
using NativeMm.Runtime;

namespace NativeMm.Lab.Experiments.Paging;

/// <summary>Writes, takes an image, goes on writing while it is copied, and counts frames.</summary>
internal sealed class SnapshotMeasurement
{
    private const int PageBytes = PageSet.PageBytes;
    private const int Writing = 0;
    private const int Stopped = 1;

    private readonly MeasurementRequest _request;
    private readonly int _pages;
    private readonly bool[] _dirty;
    private DurationHistogram _durations;
    private int _state;

    public SnapshotMeasurement(MeasurementRequest request)
    {
        _request = request;
        _pages = (int)((long.Parse(request.Parameters["size"]!, CultureInfo.InvariantCulture) << 20) / PageBytes);
        _dirty = new bool[_pages];
    }

    /// <summary>Measures.</summary>
    public Measurement Run()
    {
        long bytes = (long)_pages * PageBytes;
        using var runtime = new MemoryRuntime(new MemoryRuntimeOptions { CapacityBytes = (ulong)Math.Max(256L << 20, bytes * 3) });
        using var memory = new PagedMemory(bytes, new PagedMemoryOptions { ResidentBytes = Math.Max(PagedMemoryOptions.ResidentBytesMin, bytes * 2) }, runtime);
        PageSet content = PageSet.ReadShipped();
        for (int page = 0; page < _pages; page++)
        {
            memory.Write((long)page * PageBytes, content[page % content.Count]);
        }

        double before = Write(memory, isTimed: false, until: _request.Seconds).PerWrite;
        ulong framesBefore = UsedFrames(runtime);
        (double PerWrite, long Count) during = default;
        var writer = new Thread(() => during = Write(memory, isTimed: true, until: double.MaxValue)) { IsBackground = true };
        writer.Start();
        long start = Stopwatch.GetTimestamp();
        ulong peak = framesBefore;
        double taken;
        using (PagedSnapshot image = memory.Snapshot())
        {
            taken = Stopwatch.GetElapsedTime(start).TotalNanoseconds;
            image.CopyTo(Stream.Null, new Peak(() => peak = Math.Max(peak, UsedFrames(runtime))));
            Atomic.StoreRelease(ref _state, Stopped);
            writer.Join();
        }

        double copied = Stopwatch.GetElapsedTime(start).TotalSeconds;
        int dirtied = _dirty.Count(dirty => dirty);
        return new Measurement()
            .Add("ns_per_op", during.PerWrite)
            .Add("before_ns", before)
            .Add("slowdown", during.PerWrite / before)
            .Add("p99_ns", _durations.QuantileNanoseconds(0.99))
            .Add("max_ns", _durations.MaximumNanoseconds)
            .Add("take_ns", taken)
            .Add("copy_seconds", copied)
            .Add("pages_dirtied", dirtied)
            .Add("extra_share", 100.0 * Math.Max(0, (double)(peak - framesBefore) - dirtied) / _pages);
    }

    private static ulong UsedFrames(MemoryRuntime runtime) => runtime.Frames.GetStatistics().AllocatedFrames;

    private (double PerWrite, long Count) Write(PagedMemory memory, bool isTimed, double until)
    {
        var random = new Random(1);
        long start = Stopwatch.GetTimestamp();
        long count = 0;
        for (; Atomic.LoadAcquire(in _state) == Writing && Stopwatch.GetElapsedTime(start).TotalSeconds < until; count++)
        {
            int page = random.Next(_pages);
            long from = Stopwatch.GetTimestamp();
            memory.Write(((long)page * PageBytes) + 64, count);
            long ticks = Stopwatch.GetTimestamp() - from;
            if (isTimed)
            {
                _durations.Add(ticks);
                _dirty[page] = true;
            }
        }

        return (Stopwatch.GetElapsedTime(start).TotalNanoseconds / Math.Max(1, count), count);
    }

    private sealed class Peak(Action look) : IProgress<long>
    {
        public void Report(long value) => look();
    }
}
