using NativeMm.Frames;
using NativeMm.Platform;
using NativeMm.Reporting;
using NativeMm.Runtime;
using NativeMm.Tests.Unit.Frames;
using Xunit;

namespace NativeMm.Tests.Unit.Reporting;

/// <summary>A bad option is refused where it enters, with a message that names it, its range and its value.</summary>
public sealed class PageReporterOptionsTests
{
    public static TheoryData<string, string> BadOptions => new()
    {
        { "order 11", "BlockOrder is 0 to 10, not 11." },
        { "order -1", "BlockOrder is 0 to 10, not -1." },
        { "piece 11", "PieceOrder is 0 to 10, not 11." },
        { "piece -1", "PieceOrder is 0 to 10, not -1." },
        { "mark 0", "HighWaterBlocks is 1 to 1,000,000, not 0." },
        { "mark 1000001", "HighWaterBlocks is 1 to 1,000,000, not 1000001." },
        { "delay -1", "Delay is 0 to 1 h, not -00:00:00.0010000." },
        { "delay 3600001", "Delay is 0 to 1 h, not 01:00:00.0010000." },
        { "interval 9", "PassInterval is 10 ms to 1 h, not 00:00:00.0090000." },
        { "interval 3600001", "PassInterval is 10 ms to 1 h, not 01:00:00.0010000." },
        { "divisor 0", "BudgetDivisor is 1 to 1,024, not 0." },
        { "divisor 1025", "BudgetDivisor is 1 to 1,024, not 1025." },
        { "mode 9", "Mode is Now or WhenNeeded, not 9." },
        { "scheme 9", "Scheme is Rotation or Boundary, not 9." },
    };

    [Theory]
    [MemberData(nameof(BadOptions))]
    public void A_bad_option_is_named_with_its_range_and_its_value(string bad, string message)
    {
        PageReporterOptions options = Parse(bad);
        using var frames = new FrameFixture(FrameVariant.LockFree, 8);
        AssertRefused(message, options.Validate);
        AssertRefused(message, () => _ = new PageReporter(frames.Allocator, options));
        AssertRefused(message, () => _ = new PageReporter(ReportableFrames.For(frames.Allocator, BuddyReportScheme.Rotation), options, TimeProvider.System));
        AssertRefused(message, () => _ = new MemoryRuntime(new MemoryRuntimeOptions { Reporting = options }));
    }

    [Theory]
    [InlineData("order 0")]
    [InlineData("order 10")]
    [InlineData("piece 0")]
    [InlineData("piece 10")]
    [InlineData("mark 1")]
    [InlineData("mark 1000000")]
    [InlineData("delay 0")]
    [InlineData("delay 3600000")]
    [InlineData("interval 10")]
    [InlineData("interval 3600000")]
    [InlineData("divisor 1")]
    [InlineData("divisor 1024")]
    public void The_ends_of_a_range_are_good(string good)
    {
        using var frames = new FrameFixture(FrameVariant.LockFree, 8);
        PageReporterOptions options = Parse(good);
        using var reporter = new PageReporter(frames.Allocator, options);
        Assert.Equal(options, reporter.Options);
    }

    private static void AssertRefused(string message, Action use)
    {
        var refusal = Assert.Throws<ArgumentOutOfRangeException>(use);
        Assert.StartsWith(message, refusal.Message, StringComparison.Ordinal);
        Assert.Equal(message[..message.IndexOf(' ', StringComparison.Ordinal)], refusal.ParamName);
    }

    private static PageReporterOptions Parse(string text)
    {
        string[] parts = text.Split(' ');
        int value = int.Parse(parts[1], System.Globalization.CultureInfo.InvariantCulture);
        var options = new PageReporterOptions();
        return parts[0] switch
        {
            "order" => options with { BlockOrder = value },
            "piece" => options with { PieceOrder = value },
            "mark" => options with { HighWaterBlocks = value },
            "delay" => options with { Delay = TimeSpan.FromMilliseconds(value) },
            "interval" => options with { PassInterval = TimeSpan.FromMilliseconds(value) },
            "divisor" => options with { BudgetDivisor = value },
            "mode" => options with { Mode = (DiscardMode)value },
            "scheme" => options with { Scheme = (BuddyReportScheme)value },
            _ => throw new ArgumentException($"No option called {parts[0]}.", nameof(text)),
        };
    }
}
