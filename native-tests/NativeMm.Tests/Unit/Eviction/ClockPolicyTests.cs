using NativeMm.Eviction;
using Xunit;

namespace NativeMm.Tests.Unit.Eviction;

public sealed class ClockPolicyTests() : ReplacementPolicyContractTests(new PolicyUnderTest<ClockPolicy>())
{
    [Fact]
    public void Unused_item_goes_first()
    {
        using var policy = new PolicyUnderTest<ClockPolicy>();
        for (uint number = 0; number < PolicyUnderTest.Items; number++)
        {
            policy.Insert(number, 0);
        }

        Assert.Equal([17u], policy.Select(1, number => number != 17));
    }
}
