using NativeMm.Frames;
using NativeMm.Lab.Experiments.Reporting;
using NativeMm.Primitives;
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
