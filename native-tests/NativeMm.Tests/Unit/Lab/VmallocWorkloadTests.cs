using NativeMm.Lab.Experiments.Vmalloc;
using Xunit;

namespace NativeMm.Tests.Unit.Lab;

public sealed class VmallocWorkloadTests
{
    private const nuint Page = CheckingRanges.Page;
    private static readonly TestSizes s_sizes = new(JunkPairs: 20, BusyAreas: 30, PerCoreObjects: 40);

    private readonly Dictionary<nuint, nuint> _live = [];
    private readonly List<(nuint Bytes, nuint Alignment)> _asked = [];

    public static TheoryData<string> Tests => [.. VmallocTest.Kernel];

    [Theory]
    [MemberData(nameof(Tests))]
    public void Every_test_frees_what_it_allocates_and_counts_every_operation(string test)
    {
        const int Operations = 200;
        TestWorkload<CheckingRanges> workload = Make(test, pages: 3);
        int kept = _live.Count;
        workload.LoopOf(test)(0, Operations);

        Assert.Equal(kept, _live.Count);
        Assert.Equal(Operations, workload.Passed + workload.Failed);
        Assert.Equal(test == VmallocTest.AlignShift, workload.Failed > 0);
        workload.TearDown(0, test);
        Assert.Empty(_live);
    }

    [Fact]
    public void Full_fit_keeps_the_first_of_each_pair_and_long_busy_list_all()
    {
        Make(VmallocTest.FullFit, 1).TearDown(0, VmallocTest.FixSize);
        Assert.Equal(2 * s_sizes.JunkPairs, _asked.Count);
        Assert.Empty(_live);

        Make(VmallocTest.LongBusyList, 1);
        Assert.Equal(s_sizes.BusyAreas, _live.Count);
    }

    [Fact]
    public void Sizes_and_alignments_are_those_of_the_kernels_tests()
    {
        Assert.All(Run(VmallocTest.FixSize), a => Assert.Equal((3 * Page, Page), a));
        Assert.All(Run(VmallocTest.FixAlign), a => Assert.Equal((5 * Page, (nuint)32 << 10), a));
        Assert.Equal([(100 * Page, Page), (Page, Page)], Run(VmallocTest.LongBusyList).Skip(s_sizes.BusyAreas).Take(2));
        Range(Run(VmallocTest.RandomSize).Select(a => a.Bytes / Page), 1, 100);
        Range(Run(VmallocTest.RandomSizeAlign).Select(a => a.Bytes / Page), 1, 10);
        Range(Run(VmallocTest.RandomSizeAlign).Select(a => (nuint)nuint.Log2(a.Alignment)), 0, 22);
        Range(Run(VmallocTest.AlignShift).Select(a => (nuint)nuint.Log2(a.Alignment)), 0, 63);
        Range(Run(VmallocTest.PerCore).Select(a => (nuint)nuint.Log2(a.Alignment)), 1, 11);
        Assert.All(Run(VmallocTest.PerCore), a => Assert.InRange(a.Bytes, (nuint)1, Page / 4));

        static void Range(IEnumerable<nuint> values, nuint least, nuint most)
        {
            nuint[] all = [.. values];
            Assert.Equal((least, most), (all.Min(), all.Max()));
        }
    }

    [Fact]
    public void Per_core_objects_of_a_round_are_all_alive_at_once()
    {
        TestWorkload<CheckingRanges> workload = Make(VmallocTest.PerCore, 1);

        Assert.Equal(s_sizes.PerCoreObjects, workload.GranularityOf(VmallocTest.PerCore));
        workload.LoopOf(VmallocTest.PerCore)(0, 5);
        Assert.Equal(5, _asked.Count);
        Assert.Empty(_live);
    }

    [Fact]
    public void Flush_replaces_one_area_an_operation()
    {
        const int Operations = 5_000;
        var workload = new FlushWorkload<CheckingRanges>(new CheckingRanges(_live, _asked), 1);
        workload.SetUp(0);
        int kept = _live.Count;
        workload.Replace(0, Operations);

        Assert.Equal(kept, _live.Count);
        Assert.Equal(Operations, workload.Frees);
        Assert.Equal(kept + Operations, _asked.Count);
        Assert.NotEmpty(_asked);
        Assert.All(_asked, a => Assert.InRange(a.Bytes / Page, (nuint)1, (nuint)16));
        workload.TearDown(0);
        Assert.Empty(_live);
    }

    private List<(nuint Bytes, nuint Alignment)> Run(string test)
    {
        _asked.Clear();
        TestWorkload<CheckingRanges> workload = Make(test, pages: 3);
        workload.LoopOf(test)(0, 4096);
        workload.TearDown(0, test);
        return [.. _asked];
    }

    private TestWorkload<CheckingRanges> Make(string test, int pages)
    {
        var workload = new TestWorkload<CheckingRanges>(new CheckingRanges(_live, _asked), s_sizes, pages, 1);
        workload.SetUp(0, test);
        return workload;
    }
}
