using NativeMm.Frames;
using NativeMm.Primitives;
using NativeMm.Reporting;
using NativeMm.Tests.Unit.Frames;
using Xunit;

namespace NativeMm.Tests.Unit.Reporting;

/// <summary>A reporter over a zone on a fake platform, with a clock that stands still. Disposing validates, and asks the device.</summary>
internal sealed unsafe class ReporterFixture : IDisposable
{
    private readonly FrameFixture _frames;

    public ReporterFixture(ReporterVariant variant, uint megabytes = 128, PageReporterOptions? options = null)
    {
        _frames = new FrameFixture(zone => variant.Create(zone), megabytes);
        options ??= WholeBlocks;
        options = options with { Scheme = variant.Scheme() };
        Source = ReportableFrames.For(_frames.Allocator, options.Scheme);
        Reporter = new PageReporter(Source, options, Time);
    }

    /// <summary>Blocks of 2 MiB alone, without delay.</summary>
    public static PageReporterOptions WholeBlocks { get; } = new() { PieceOrder = 9, HighWaterBlocks = 1, Delay = TimeSpan.Zero };

    public static TheoryData<ReporterVariant> Variants => [.. Enum.GetValues<ReporterVariant>()];

    public ManualTime Time { get; } = new();

    public IReportableFrames Source { get; }

    public PageReporter Reporter { get; }

    public IFrameAllocator Allocator => _frames.Allocator;

    public FrameZone Zone => _frames.Zone;

    /// <summary>Allocates blocks and writes to them.</summary>
    public List<Pfn> Use(int blocks, int order = 9)
    {
        List<Pfn> used = [];
        for (int i = 0; i < blocks; i++)
        {
            Pfn frame = _frames.Allocate(order);
            new Span<byte>(Zone.AddressOf(frame), (int)new Order(order).Bytes).Fill(0xAB);
            used.Add(frame);
        }

        return used;
    }

    /// <summary>Frees blocks, past a cache that may be in front.</summary>
    public void Free(IEnumerable<Pfn> frames, int order = 9)
    {
        _frames.FreeAll(frames, order);
        if (Allocator is CachedFrameAllocator)
        {
            Allocator.Drain();
        }
    }

    /// <summary>Passes by the pace until it rests.</summary>
    /// <returns>Bytes that were counted.</returns>
    public ulong PollUntilIdle(int passesMax = 1000)
    {
        ulong bytes = 0;
        int passes = 0;
        do
        {
            Assert.True(passes++ < passesMax, $"It does not rest after {passesMax} passes and {bytes} bytes.");
            Time.Advance(TimeSpan.FromMilliseconds(250));
            bytes += Reporter.Poll();
        }
        while (Reporter.GetStatistics().State != ReporterState.Idle);

        return bytes;
    }

    /// <summary>Blocks that were used and are free now, with one in use between each two, so that they do not merge.</summary>
    public List<Pfn> MakeApart(int blocks, int order = 9)
    {
        List<Pfn> all = Use(2 * blocks, order);
        List<Pfn> free = [.. all.Where(frame => (frame.Value >> order) % 2 == 0)];
        Free(free, order);
        Assert.Equal(blocks, free.Count);
        return free;
    }

    public void Dispose()
    {
        var device = Reporter.Device as ScriptedDevice;
        Reporter.Dispose();
        try
        {
            device?.AssertNoProblem();
        }
        finally
        {
            _frames.Dispose();
        }
    }
}
