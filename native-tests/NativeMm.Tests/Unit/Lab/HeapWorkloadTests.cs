using NativeMm.Lab.Experiments.Heap;
using NativeMm.Lab.Harness;
using Xunit;

namespace NativeMm.Tests.Unit.Lab;

/// <summary>Every pattern performs as many allocations as it claims, frees each once, and keeps as many live as it should.</summary>
public sealed class HeapWorkloadTests
{
    private const int Size = 64;

    [Fact]
    public void Pair_leaves_nothing() =>
        AssertCounts<A>(1, (_, _) => new PairWorkload<CheckingAllocator<A>, CheckingHandle>(Size), operations: 500, live: 0);

    [Fact]
    public void Batch_leaves_nothing() => AssertCounts<B>(
        2,
        (threads, _) => new BatchWorkload<CheckingAllocator<B>, CheckingHandle>(threads, Size, _ => FreeOrder.NewestFirst(FreeOrder.Batch)),
        operations: 500,
        live: 0);

    [Fact]
    public void Random_frees_all_of_its_thousand() => AssertCounts<C>(
        2, (threads, _) => new BatchWorkload<CheckingAllocator<C>, CheckingHandle>(threads, Size, FreeOrder.Any), operations: 5000, live: 0);

    [Fact]
    public void Mixed_keeps_a_thousand_a_thread() => AssertCounts<D>(
        2,
        (threads, _) => new ReplacementWorkload<CheckingAllocator<D>, CheckingHandle>(threads, ReplacementTables.AnyOrder, ReplacementTables.MixedSizes),
        operations: 20_000,
        live: 2000);

    [Fact]
    public void Remote_hands_every_block_over() =>
        AssertCounts<E>(4, (threads, crew) => new RemoteWorkload<CheckingAllocator<E>, CheckingHandle>(threads, Size, crew.Abort), operations: 10_001, live: 0, parts: 2);

    [Fact]
    public void Churn_hands_its_blocks_on_from_thread_to_thread() =>
        AssertCounts<F>(2, (threads, _) => new ChurnWorkload<CheckingAllocator<F>, CheckingHandle>(threads, Size, pin: false), operations: 100_000, live: 2000);

    [Fact]
    public void Mixed_sizes_are_within_their_range_and_mostly_small()
    {
        int[] sizes = ReplacementTables.MixedSizes(0);
        Assert.All(sizes, s => Assert.InRange(s, 16, 1024));
        Assert.InRange(sizes.Order().ElementAt(sizes.Length / 2), 64, 160);
        Assert.Contains(sizes, s => s > 900);
        Assert.Equal(sizes, ReplacementTables.MixedSizes(0));
        Assert.NotEqual(sizes, ReplacementTables.MixedSizes(1));
    }

    [Fact]
    public void Orders_of_freeing_name_every_place_once()
    {
        Assert.Equal(Enumerable.Range(0, 5), FreeOrder.OldestFirst(5).Select(i => (int)i));
        Assert.Equal(Enumerable.Range(0, 5).Reverse(), FreeOrder.NewestFirst(5).Select(i => (int)i));
        Assert.Equal(Enumerable.Range(0, ReplacementTables.Live), FreeOrder.Any(0).Select(i => (int)i).Order());
        Assert.Equal(FreeOrder.Any(0), FreeOrder.Any(0));
        Assert.NotEqual(FreeOrder.Any(0), FreeOrder.Any(1));
        Assert.NotEqual(FreeOrder.OldestFirst(ReplacementTables.Live), FreeOrder.Any(0));
    }

    private static void AssertCounts<TAccount>(int threads, Func<int, ThreadCrew, HeapWorkload> make, int operations, int live, int parts = 0)
    {
        using var crew = new ThreadCrew(threads, pin: false);
        HeapWorkload workload = make(threads, crew);
        Assert.Equal(0, operations % workload.Granularity);
        crew.Run(workload.SetUp);
        int before = CheckingAllocator<TAccount>.Allocations;

        crew.Run(thread => workload.Run(thread, operations));

        int workers = parts > 0 ? parts : threads;
        Assert.Equal(workers * operations, CheckingAllocator<TAccount>.Allocations - before);
        Assert.Equal(workers, threads / workload.ThreadsPerOperation);
        Assert.Equal(live, CheckingAllocator<TAccount>.Live);
        Assert.Equal(0, CheckingAllocator<TAccount>.Untouched);
    }

    private sealed class A;

    private sealed class B;

    private sealed class C;

    private sealed class D;

    private sealed class E;

    private sealed class F;
}
