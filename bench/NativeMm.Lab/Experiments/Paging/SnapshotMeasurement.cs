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
    private const int Batch = 64;
    private const int WarmupPages = 2048;

    private readonly MeasurementRequest _request;
    private readonly int _pages;
    private readonly bool[] _dirty;
    private readonly int[] _order = new int[Batch];
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
        PageSet content = PageSet.ReadShipped();
        WarmUp(content);
        using MemoryRuntime runtime = NewRuntime(_pages);
        using PagedMemory memory = NewMemory(_pages, runtime);
        Fill(memory, content);
        Warmup.UntilCompilerIsQuiet(() => Write(memory, until: 0.0002));
        double before = Write(memory, until: _request.Seconds);
        ulong framesBefore = UsedFrames(runtime);
        Array.Clear(_dirty);
        _durations = default;
        double during = 0;
        var writer = new Thread(() => during = Write(memory, until: double.MaxValue)) { IsBackground = true };
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
            .Add("ns_per_op", during)
            .Add("before_ns", before)
            .Add("slowdown", during / before)
            .Add("p99_ns", _durations.QuantileNanoseconds(0.99))
            .Add("max_ns", _durations.MaximumNanoseconds)
            .Add("take_ns", taken)
            .Add("copy_seconds", copied)
            .Add("pages_dirtied", dirtied)
            .Add("extra_share", 100.0 * Math.Max(0, (double)(peak - framesBefore) - dirtied) / _pages);
    }

    /// <summary>
    /// Has the compiler make the code of images, and of writes beside them, that the measured ones run: of a smaller memory, whose frames are no part of the
    /// measured memory's zone.
    /// </summary>
    private void WarmUp(PageSet content)
    {
        using MemoryRuntime runtime = NewRuntime(WarmupPages);
        using PagedMemory memory = NewMemory(WarmupPages, runtime);
        Fill(memory, content);
        Warmup.UntilCompilerIsQuiet(() =>
        {
            using PagedSnapshot image = memory.Snapshot();
            Write(memory, until: 0.0002);
            image.CopyTo(Stream.Null);
        });
    }

    private static MemoryRuntime NewRuntime(int pages) =>
        new(new MemoryRuntimeOptions { CapacityBytes = (ulong)Math.Max(256L << 20, 3L * pages * PageBytes) });

    private static PagedMemory NewMemory(int pages, MemoryRuntime runtime) => new(
        (long)pages * PageBytes,
        new PagedMemoryOptions { ResidentBytes = Math.Max(PagedMemoryOptions.ResidentBytesMin, 2L * pages * PageBytes) },
        runtime);

    private static void Fill(PagedMemory memory, PageSet content)
    {
        for (int page = 0; page < memory.Length / PageBytes; page++)
        {
            memory.Write((long)page * PageBytes, content[page % content.Count]);
        }
    }

    private static ulong UsedFrames(MemoryRuntime runtime) => runtime.Frames.GetStatistics().AllocatedFrames;

    /// <summary>
    /// Writes until told to stop. The clock is looked at once a batch, and for the time of a single write once in so many of them, the same before
    /// and during the image: otherwise both figures would be those of the clock.
    /// </summary>
    private double Write(PagedMemory memory, double until)
    {
        int pages = Math.Min(_pages, (int)(memory.Length / PageBytes));
        var random = new Random(1);
        long start = Stopwatch.GetTimestamp();
        long count = 0;
        while (Atomic.LoadAcquire(in _state) == Writing && Stopwatch.GetElapsedTime(start).TotalSeconds < until)
        {
            for (int i = 0; i < _order.Length; i++)
            {
                int page = _order[i];
                memory.Write(((long)page * PageBytes) + 64, count + i);
                _dirty[page] = true;
            }

            count += _order.Length;
            int timed = random.Next(pages);
            long from = Stopwatch.GetTimestamp();
            memory.Write(((long)timed * PageBytes) + 64, count);
            _durations.Add(Stopwatch.GetTimestamp() - from);
            _dirty[timed] = true;
            Draw(random, pages);
        }

        return Stopwatch.GetElapsedTime(start).TotalNanoseconds / Math.Max(1, count);
    }

    private void Draw(Random random, int pages)
    {
        for (int i = 0; i < _order.Length; i++)
        {
            _order[i] = random.Next(pages);
        }
    }

    private sealed class Peak(Action look) : IProgress<long>
    {
        public void Report(long value) => look();
    }
}
