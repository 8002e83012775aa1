using System.Diagnostics;
using System.Globalization;
using NativeMm.Lab.Harness;
using NativeMm.Lab.Pages;

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
        using PagedUnderTest memory = Make();
        for (int page = 0; page < _pages; page++)
        {
            ContentOf(page).CopyTo(_page);
            BitConverter.TryWriteBytes(_page, page);
            memory.Write(page, _page);
        }

        var pattern = new PagePattern(_name, _pages);
        Use(memory, pattern, 2 * _pages);
        memory.BeginCounting();
        long operations = 0;
        long start = Stopwatch.GetTimestamp();
        while (operations < _pages || Stopwatch.GetElapsedTime(start).TotalSeconds < _request.Seconds)
        {
            Use(memory, pattern, Batch);
            operations += Batch;
        }

        double nanoseconds = Stopwatch.GetElapsedTime(start).TotalNanoseconds;
        Measurement result = new Measurement()
            .Add("ns_per_op", nanoseconds / operations)
            .Add("bytes_per_second", operations * PageBytes / (nanoseconds * 1e-9));
        memory.AddTo(result, operations);
        return result;
    }

    private PagedUnderTest Make()
    {
        string variant = _request.Case.Variant;
        bool isMappedTwice = variant == PagedExperiment.MappedTwice.Name;
        return isMappedTwice || variant == PagedExperiment.Mapped.Name
            ? new MappedPages(_pages, isMappedTwice ? 2 * _budget : _budget, isRandom: _name is PagePattern.Random or PagePattern.Zipf)
            : new OurPages(_pages, _budget, prefetches: _name != PagePattern.Loop, isClock: variant == PagedExperiment.Clock.Name);
    }

    private ReadOnlySpan<byte> ContentOf(int page) => _content[page % _content.Count];

    private void Use(PagedUnderTest memory, PagePattern pattern, int operations)
    {
        for (int i = 0; i < operations; i++)
        {
            int page = pattern.Next();
            memory.Read(page, _page);
            if (BitConverter.ToInt32(_page) != page || !_page.AsSpan(8).SequenceEqual(ContentOf(page)[8..]))
            {
                throw new InvalidDataException($"Page {page} is not what was written.");
            }

            if (i % WriteEach == 0)
            {
                memory.Write(page, _page);
            }
        }
    }
}
