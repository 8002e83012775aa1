using System.Globalization;
using System.Text;
using NativeMm.Frames;
using NativeMm.Primitives;
using NativeMm.Reporting;
using NativeMm.Tests.Unit.Reporting;
using Xunit;

namespace NativeMm.Tests.Model.Reporting;

/// <summary>Random histories: every scheme reports exactly what a naive model says, no frame twice, none that is in use.</summary>
public sealed class ReportingModelTests
{
    private const int Steps = 400;
    private const uint Megabytes = 32;
    private const uint FramesOfZone = Megabytes << 8;

    public static TheoryData<ReporterVariant, int, int, int> Histories
    {
        get
        {
            TheoryData<ReporterVariant, int, int, int> data = [];
            foreach (ReporterVariant variant in Enum.GetValues<ReporterVariant>())
            {
                for (int seed = 1; seed <= 6; seed++)
                {
                    data.Add(variant, 9, 9, seed);
                    data.Add(variant, 9, 4, seed);
                    data.Add(variant, 10, 6, seed);
                    data.Add(variant, 9, variant.IsLockFree() ? 5 : 0, seed);
                }
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Histories))]
    public void Every_scheme_reports_exactly_the_set_that_the_model_reports(ReporterVariant variant, int blocks, int pieces, int seed)
    {
        var options = new PageReporterOptions { BlockOrder = blocks, PieceOrder = pieces, Delay = TimeSpan.Zero };
        using var fixture = new ReporterFixture(variant, Megabytes, options);
        var model = new ReportingModel(variant, FramesOfZone, blocks, pieces);
        var random = new Random(seed);
        var history = new StringBuilder();
        List<(Pfn Frame, int Order)> live = [];

        // A cache takes single frames in batches, which no model can know of.
        int orderMin = variant.IsCached() ? 1 : 0;
        HashSet<uint> reported = [];
        int callsUntilFailure = int.MaxValue;
        int failures = 0;
        fixture.Reporter.Register(new ScriptedDevice(ranges =>
        {
            IEnumerable<uint> frames = ranges.SelectMany(range => Enumerable.Range((int)range.Frame.Value, (int)range.Order.Frames)).Select(f => (uint)f);
            if (--callsUntilFailure == 0)
            {
                model.Fail(frames);
                return FrameContent.Unknown;
            }

            foreach (uint frame in frames)
            {
                Assert.True(reported.Add(frame), $"Frame {frame} is reported twice. {history}");
            }

            return FrameContent.ReportedZero;
        }));

        for (int step = 0; step < Steps; step++)
        {
            int choice = random.Next(100);
            if (choice < 50 && live.Sum(block => 1 << block.Order) < FramesOfZone / 2)
            {
                int order = random.Next(3) == 0 ? random.Next(9, 11) : random.Next(orderMin, 9);
                if (fixture.Allocator.TryAllocate(new Order(order), FrameFlags.None, out Pfn frame, out _))
                {
                    history.Append(CultureInfo.InvariantCulture, $"a{order}@{frame} ");
                    live.Add((frame, order));
                    model.Allocate(frame, order);
                }
            }
            else if (choice < 95 && live.Count != 0)
            {
                int at = random.Next(live.Count);
                (Pfn frame, int order) = live[at];
                live.RemoveAt(at);
                history.Append(CultureInfo.InvariantCulture, $"f{order}@{frame} ");
                fixture.Allocator.Free(frame, new Order(order));
                model.Free(frame, order);
            }
            else
            {
                // Now and then the device fails at some call; the model then believes what it did before.
                bool fails = random.Next(3) == 0;
                callsUntilFailure = fails ? random.Next(1, 4) : int.MaxValue;
                HashSet<uint> expected = model.Reportable();
                reported.Clear();
                fixture.Reporter.ReportNow();
                history.Append(CultureInfo.InvariantCulture, $"r{reported.Count} ");
                fixture.Allocator.Validate();
                bool failed = callsUntilFailure <= 0;
                failures += failed ? 1 : 0;
                Assert.Equal(failures, fixture.Reporter.GetStatistics().DeviceFailures);
                Assert.True(
                    failed ? reported.IsSubsetOf(expected) : reported.SetEquals(expected),
                    $"Seed {seed}: {reported.Count} frames reported instead of {expected.Count}, " +
                    $"missing {string.Join(' ', expected.Except(reported).Take(5))}, too many {string.Join(' ', reported.Except(expected).Take(5))}. {history}");
                model.Report(reported);
            }
        }

        foreach ((Pfn frame, int order) in live)
        {
            fixture.Allocator.Free(frame, new Order(order));
        }
    }

    [Theory]
    [InlineData(ReporterVariant.LockFree)]
    [InlineData(ReporterVariant.Rotation)]
    [InlineData(ReporterVariant.Boundary)]
    [InlineData(ReporterVariant.LockFreeCached)]
    [InlineData(ReporterVariant.BoundaryCached)]
    public void Passes_with_a_budget_report_the_same_set_as_one_without(ReporterVariant variant)
    {
        using var fixture = new ReporterFixture(variant, 256, new PageReporterOptions { Delay = TimeSpan.Zero });
        var device = new RecordingDevice();
        fixture.Reporter.Register(device);
        HashSet<Pfn> free = [.. fixture.MakeApart(60)];
        int passes = 0;
        do
        {
            fixture.Time.Advance(TimeSpan.FromMilliseconds(250));
            fixture.Reporter.Poll();
            Assert.True(++passes < 100, "It does not come to an end.");
        }
        while (fixture.Reporter.GetStatistics().State != ReporterState.Idle);

        Assert.Equal(60, device.Ranges.Count);
        Assert.True(free.SetEquals(device.Ranges.Select(range => range.Frame)));
    }
}
