using NativeMm.Runtime;
using Xunit;

namespace NativeMm.Tests.Unit.Runtime;

public sealed class RisingTotalTests
{
    [Fact]
    public void What_a_part_had_counted_stays_when_it_goes_and_what_others_count_is_seen_at_once()
    {
        var total = new RisingTotal();
        Assert.Equal(100, total.With(100));
        Assert.Equal(100, total.With(10));
        Assert.Equal(105, total.With(15));
        Assert.Equal(105, total.With(0));
        Assert.Equal(112, total.With(7));
    }
}
