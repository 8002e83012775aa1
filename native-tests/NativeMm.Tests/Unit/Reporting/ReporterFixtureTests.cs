using NativeMm.Frames;
using Xunit;
using Xunit.Sdk;

namespace NativeMm.Tests.Unit.Reporting;

public sealed class ReporterFixtureTests
{
    [Fact]
    public void An_assertion_that_fails_inside_a_device_fails_the_test()
    {
        var fixture = new ReporterFixture(ReporterVariant.LockFree, 32);
        fixture.MakeApart(1);
        fixture.Reporter.Register(new ScriptedDevice(ranges =>
        {
            Assert.Fail("It was told of a block.");
            return FrameContent.Reported;
        }));
        Assert.Equal(0u, fixture.Reporter.ReportNow());
        XunitException failure = Assert.ThrowsAny<XunitException>(fixture.Dispose);
        Assert.Contains("It was told of a block.", failure.Message, StringComparison.Ordinal);
    }
}
