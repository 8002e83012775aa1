using System.Diagnostics;
using System.Globalization;
using NativeMm.Buffers;
using NativeMm.Lab.Harness;
using NativeMm.Lab.Pages;
using NativeMm.Runtime;

namespace NativeMm.Lab.Experiments.Paging;

/// <summary>Uses pages of a memory in some order, and checks that each is what was written.</summary>
internal sealed class PagedMeasurement
{
    private const int PageBytes = PageSet.PageBytes;
    private const int WriteEach = 8;
    private const int Batch = 1024;

    private readonly MeasurementRequest _request;
    private readonly PageSet _content = PageSet.ReadShipped();
    private readonly byte[] _page = new byte[PageBytes];
    private readonly string _name;
    private readonly long _budget;
    private readonly int _pages;

    public PagedMeasurement(MeasurementRequest request)
    {
        _request = request;
        _name = request.Parameters["pattern"]!;
        _budget = long.Parse(request.Parameters["budget"]!, CultureInfo.InvariantCulture) << 20;
        _pages = (int)(_budget / PageBytes * (_name == PagePattern.Loop ? 2 : 4));
    }

    /// <summary>Fills the memory, uses it until its policy knows the order, and measures.</summary>
    public Measurement Run()
    {
        using var runtime = new MemoryRuntime(new MemoryRuntimeOptions { CapacityBytes = (ulong)Math.Max(256L << 20, _budget * 8) });
        var options = new PagedMemoryOptions { ResidentBytes = _budget, StridePrefetch = _name != PagePattern.Loop };
        using var memory = new PagedMemory((long)_pages * PageBytes, options, runtime, file: null, _request.Case.Variant == PagedExperiment.Clock.Name);
        for (int page = 0; page < _pages; page++)
        {
            ContentOf(page).CopyTo(_page);
            BitConverter.TryWriteBytes(_page, page);
            memory.Write((long)page * PageBytes, _page);
        }

        var pattern = new PagePattern(_name, _pages);
        Use(memory, pattern, 2 * _pages);
        PagedMemoryStatistics before = memory.GetStatistics();
        long operations = 0;
        long start = Stopwatch.GetTimestamp();
        while (operations < _pages || Stopwatch.GetElapsedTime(start).TotalSeconds < _request.Seconds)
        {
            Use(memory, pattern, Batch);
            operations += Batch;
        }

        double nanoseconds = Stopwatch.GetElapsedTime(start).TotalNanoseconds;
        PagedMemoryStatistics spent = memory.GetStatistics().Since(before);
        double misses = Math.Max(0, spent.PagesIn - spent.Prefetched);
        return new Measurement()
            .Add("ns_per_op", nanoseconds / operations)
            .Add("bytes_per_second", operations * PageBytes / (nanoseconds * 1e-9))
            .Add("hit_rate", 100 * (1 - (misses / operations)))
            .Add("ratio", spent.Ratio)
            .Add("stall_share", 100 * spent.StallShare);
    }

    private ReadOnlySpan<byte> ContentOf(int page) => _content[page % _content.Count];

    private void Use(PagedMemory memory, PagePattern pattern, int operations)
    {
        for (int i = 0; i < operations; i++)
        {
            int page = pattern.Next();
            memory.Read((long)page * PageBytes, _page);
            if (BitConverter.ToInt32(_page) != page || !_page.AsSpan(8).SequenceEqual(ContentOf(page)[8..]))
            {
                throw new InvalidDataException($"Page {page} is not what was written.");
            }

            if (i % WriteEach == 0)
            {
                memory.Write((long)page * PageBytes, _page);
            }
        }
    }
}
