using NativeMm.Frames;
using NativeMm.Primitives;
using NativeMm.Reporting;
using NativeMm.Runtime;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Reporting;

/// <summary>What counts as given back: only what the operating system may have held until then.</summary>
public sealed unsafe class ReportedBytesTests
{
    [Theory]
    [InlineData(ReporterVariant.LockFree, 65536)]
    [InlineData(ReporterVariant.LockFreeCached, 65536)]
    [InlineData(ReporterVariant.Rotation, 4096)]
    [InlineData(ReporterVariant.Boundary, 4096)]
    public void A_page_used_in_a_reported_block_counts_as_what_is_remembered_of_it(ReporterVariant variant, int bytes)
    {
        using var fixture = new ReporterFixture(variant, 32);
        fixture.Reporter.Register(new NullDevice());
        fixture.Free(fixture.Use(4));
        Assert.Equal(4 * Order.Huge.Bytes, (nuint)fixture.Reporter.ReportNow());
        if (variant.IsCached())
        {
            // A cache takes a whole batch; past it, one frame at a time.
            fixture.Free(fixture.Use(1, 1), 1);
            Assert.Equal((ulong)bytes, fixture.Reporter.ReportNow());
            return;
        }

        for (int i = 0; i < 3; i++)
        {
            fixture.Free(fixture.Use(1, 0), 0);
            Assert.Equal((ulong)bytes, fixture.Reporter.ReportNow());
        }

        Assert.Equal(0u, fixture.Reporter.ReportNow());
        Assert.Equal((4 * Order.Huge.Bytes) + (3 * (ulong)bytes), fixture.Reporter.GetStatistics().ReportedBytes);
    }

    [Theory]
    [InlineData(ReporterVariant.Rotation)]
    [InlineData(ReporterVariant.Boundary)]
    public void A_device_that_fails_changes_nothing_of_what_counts(ReporterVariant variant)
    {
        using var fixture = new ReporterFixture(variant, 32);
        fixture.Reporter.Register(new NullDevice());
        fixture.Free(fixture.Use(4));
        fixture.Reporter.ReportNow();
        fixture.Free(fixture.Use(1, 0), 0);
        fixture.Reporter.Unregister(fixture.Reporter.Device!);
        var bad = new ScriptedDevice(_ => FrameContent.Unknown);
        fixture.Reporter.Register(bad);
        Assert.Equal(0u, fixture.Reporter.ReportNow());
        fixture.Reporter.Unregister(bad);
        fixture.Reporter.Register(new NullDevice());
        Assert.Equal(4096u, fixture.Reporter.ReportNow());
    }

    [LinuxFact]
    public void Trim_counts_pieces_of_64_KiB_and_none_twice()
    {
        using var runtime = new MemoryRuntime(new MemoryRuntimeOptions { CapacityBytes = 64 << 20, BackgroundTrim = false });
        runtime.Trim();
        for (int i = 0; i < 3; i++)
        {
            Assert.True(runtime.Frames.TryAllocate(Order.Zero, FrameFlags.None, out Pfn frame, out _));
            *(byte*)runtime.Frames.Zone.AddressOf(frame) = 1;
            runtime.Frames.Free(frame, Order.Zero);
            Assert.Equal(65536u, runtime.Trim());
        }

        Assert.Equal(0u, runtime.Trim());
    }
}
