using NativeMm.Frames;
using NativeMm.Lab.Baselines.Reporting;
using NativeMm.Lab.Experiments.Reporting;
using NativeMm.Primitives;
using NativeMm.Reporting;
using NativeMm.Tests.Support;
using NativeMm.Tests.Unit.Frames;
using Xunit;
using Xunit.Sdk;

namespace NativeMm.Tests.Model.Lab;

/// <summary>Every scheme that the lab compares reports exactly what is free and was not reported, so that their times are of the same work.</summary>
public sealed class ReportingSchemeModelTests
{
    private const uint Megabytes = 16;
    private const int Steps = 600;
    private static readonly Order s_order = new(4);

    public static TheoryNames All => new([.. ReportingVariants.Scan.Select(v => v.Name)]);

    public static TheoryNames Schemes => new([.. ReportingVariants.Scan.Select(v => v.Name).Where(name => name != ReportingVariants.Hint.Name)]);

    [Theory]
    [MemberData(nameof(Schemes))]
    public void Histories_equal_the_model(string scheme)
    {
        int seed = Environment.TickCount;
        for (int run = 0; run < 10; run++, seed++)
        {
            Run(scheme, seed);
        }
    }

    [Fact]
    public void Histories_of_the_hint_equal_its_model()
    {
        int seed = Environment.TickCount;
        for (int run = 0; run < 10; run++, seed++)
        {
            var device = new HintedSchemeModel(s_order);
            using var fixture = new FrameFixture(zone => [new HintedFrames(new BuddyFrameAllocator(zone, perCorePages: false), device, s_order)], Megabytes);
            try
            {
                device.Run((HintedFrames)fixture.Allocator, new Random(seed), Steps);
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                throw new XunitException($"Seed {seed}: {e.Message}{Environment.NewLine}After:{Environment.NewLine}{device.History}", e);
            }
        }
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Every_scheme_reports_the_free_blocks_of_the_scan_once(string scheme)
    {
        // A size at which the zone is full, as those of the scan are.
        const int Count = 1024;
        using FreeBlocks blocks = FreeBlocks.Create(Count);
        var device = new RecordingDevice();
        bool isHint = scheme == ReportingVariants.Hint.Name;
        IReportableFrames? found = isHint ? null : ScanSchemes.Create(scheme, blocks.Zone, FreeBlocks.Order);
        using IFrameAllocator frames = found?.Frames ?? new HintedFrames(new BuddyFrameAllocator(blocks.Zone), device, FreeBlocks.Order);
        blocks.Lay(frames);
        device.Clear();
        blocks.Take(frames);
        blocks.PutBack(frames);
        if (found is not null)
        {
            var options = new PageReporterOptions { BlockOrder = FreeBlocks.Order.Value, PieceOrder = FreeBlocks.Order.Value };
            using var reporter = new PageReporter(found, options, TimeProvider.System);
            reporter.Register(device);
            reporter.ReportNow();
        }

        Assert.Equal(blocks.Blocks.ToArray(), device.Ranges.Select(range => range.Frame).Order());
        Assert.NotEmpty(device.Ranges);
        Assert.All(device.Ranges, range => Assert.Equal(FreeBlocks.Order, range.Order));
        frames.Validate();
    }

    private static void Run(string name, int seed)
    {
        IReportableFrames? scheme = null;
        using var fixture = new FrameFixture(Create, Megabytes);
        var model = new ReportingSchemeModel(scheme!, s_order, marksBlocks: name is not ("bits" or "bitmap"));
        var random = new Random(seed);
        try
        {
            for (int step = 0; step < Steps; step++)
            {
                model.Step(random);
            }

            model.Finish(random);
            Assert.NotEqual(0, model.Reported);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            throw new XunitException($"Seed {seed}: {e.Message}{Environment.NewLine}After:{Environment.NewLine}{model.History}", e);
        }

        IFrameAllocator[] Create(FrameZone zone)
        {
            scheme = ScanSchemes.Create(name, zone, s_order, perCorePages: false);
            return [scheme.Frames];
        }
    }
}
