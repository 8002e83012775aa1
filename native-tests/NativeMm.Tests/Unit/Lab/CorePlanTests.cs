using NativeMm.Lab.Harness;
using NativeMm.Platform;
using Xunit;

namespace NativeMm.Tests.Unit.Lab;

public sealed class CorePlanTests
{
    [Fact]
    public void Hardware_threads_of_one_core_come_last()
    {
        ProcessorCache[] caches = [Cache(1, "0,2"), Cache(1, "1,3"), Cache(2, "0-3")];
        Assert.Equal([0, 1, 2, 3], Order("0-3", caches));
        Assert.Equal([0, 2, 1, 3], Order("0-3", [Cache(1, "0-1"), Cache(1, "2-3")]));
    }

    [Fact]
    public void Only_allowed_processors_are_used() => Assert.Equal([2, 3], Order("2-3", [Cache(1, "0-1"), Cache(1, "2"), Cache(1, "3")]));

    [Fact]
    public void Without_knowledge_of_caches_the_order_is_by_number() => Assert.Equal([0, 1, 5], Order("0-1,5", []));

    private static IEnumerable<int> Order(string allowed, ProcessorCache[] caches) => CorePlan.Order(Set(allowed), caches).Select(c => c.Value);

    private static ProcessorCache Cache(int level, string sharedBy) => new(level, CacheKind.Data, 32 << 10, 64, Set(sharedBy));

    private static CoreSet Set(string text)
    {
        Assert.True(CoreSet.TryParse(text, out CoreSet set));
        return set;
    }
}
