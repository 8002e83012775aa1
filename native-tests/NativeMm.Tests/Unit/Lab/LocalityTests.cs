using NativeMm.Lab.Experiments.Locality;
using NativeMm.Lab.Harness;
using NativeMm.Lab.Peers;
using NativeMm.Lab.Traces;
using Xunit;

namespace NativeMm.Tests.Unit.Lab;

public sealed class LocalityTests
{
    [Fact]
    public void A_cache_forgets_what_was_used_longest_ago_in_each_set()
    {
        var cache = new SetAssociativeCache(sets: 2, ways: 2);
        foreach (nuint line in (nuint[])[0, 2, 0, 4, 0, 2, 1])
        {
            cache.Access(line);
        }

        // 0 and 2 are new, 4 pushes out 2 and not 0, 2 is new again, 1 lies in the other set.
        Assert.Equal(5, cache.Misses);
    }

    [Fact]
    public void Windows_count_different_lines_and_pages()
    {
        var counter = new TouchCounter(window: 2);
        foreach (nuint address in (nuint[])[0, 63, 64, 4096, 100_000])
        {
            counter.Touch(address);
            counter.EndRecord();
        }

        // The windows are {0, 63} and {64, 4096}; the fifth record's is not finished.
        Assert.Equal(1.5, counter.Lines);
        Assert.Equal(1.5, counter.Pages);
        Assert.Equal(4 * 2 / 5.0, counter.CacheMisses, 1e-9);
    }

    [Fact]
    public void Every_variant_names_its_blocks_by_address()
    {
        Measurement found = new LocalityMeasurement(SyntheticTrace.Create()).Visit<NativeMmAllocator, AddressHandle>();
        Assert.InRange(found.Metrics["cache_misses_per_thousand"], 1, 2000);
        Assert.All(new LocalityExperiment().Variants, v => Assert.True(AllocatorPeers.Accept<NamesAddresses, bool>(v.Name, default)));
    }

    private readonly struct NamesAddresses : IPeerVisitor<bool>
    {
        public bool Visit<TAllocator, THandle>()
            where TAllocator : struct, IAllocatorUnderTest<THandle>
            where THandle : struct, IBlockHandle => typeof(THandle) == typeof(AddressHandle);
    }
}
