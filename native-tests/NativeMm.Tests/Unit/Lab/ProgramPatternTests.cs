using NativeMm.Lab.Experiments.Heap;
using NativeMm.Lab.Harness;
using NativeMm.Lab.Peers;
using Xunit;

namespace NativeMm.Tests.Unit.Lab;

/// <summary>Patterns that look like programs perform what they claim, free each block once, check what they wrote, and hold what they should.</summary>
public sealed class ProgramPatternTests
{
    private const int Threads = 4;

    [Fact]
    public void Trees_pass_through_all_slots_and_are_felled_by_whoever_gets_them() => AssertCounts<A>(
        _ => new TreesWorkload<CheckingAllocator<A>, CheckingHandle>(Threads), operations: 8 * TreeOrder.Nodes, live: Threads * 2 * TreeOrder.Nodes);

    [Fact]
    public void Transfer_keeps_a_thousand_blocks_a_thread_and_those_on_their_way() => AssertCounts<B>(
        _ => new TransferWorkload<CheckingAllocator<B>, CheckingHandle>(Threads),
        operations: 4000,
        live: Threads * (ReplacementTables.Live + TransferWorkload<CheckingAllocator<B>, CheckingHandle>.SlotsPerThread));

    [Fact]
    public void Exchange_hands_every_block_to_a_consumer() => AssertCounts<C>(
        crew => new ExchangeWorkload<CheckingAllocator<C>, CheckingHandle>(Threads, crew.Abort), operations: 64 * 99, live: 0, workers: Threads / 2);

    [Fact]
    public void Simple_leaves_nothing() =>
        AssertCounts<D>(_ => new SimpleWorkload<CheckingAllocator<D>, CheckingHandle>(Threads), operations: 4000, live: 0);

    [Fact]
    public void Tasks_leave_what_later_tasks_free() => AssertCounts<E>(
        _ => new TasksWorkload<CheckingAllocator<E>, CheckingHandle>(Threads, pin: false),
        operations: 9 * 4096,
        live: Threads * TasksWorkload<CheckingAllocator<E>, CheckingHandle>.LeftBehind * TasksWorkload<CheckingAllocator<E>, CheckingHandle>.TasksRemembered);

    [Fact]
    public void Larson_hands_its_thousand_blocks_on_from_thread_to_thread() => AssertCounts<F>(
        _ => new LarsonWorkload<CheckingAllocator<F>, CheckingHandle>(Threads, pin: false), operations: 20_000, live: Threads * ReplacementTables.Live);

    [Fact]
    public void Pages_and_large_replace_what_they_hold()
    {
        AssertCounts<G>(_ => new MarkedSetWorkload<CheckingAllocator<G>, CheckingHandle>(Threads, MarkedSetPlan.Pages), operations: 500, live: Threads * 257);
        AssertCounts<H>(_ => new MarkedSetWorkload<CheckingAllocator<H>, CheckingHandle>(1, MarkedSetPlan.Large), operations: 3, live: 4, workers: 1);
    }

    [Fact]
    public void Large_blocks_are_whole_pages_of_2_to_64_MiB()
    {
        Replacement[] script = MarkedSetPlan.Large.Script(0);
        Assert.NotEmpty(script);
        Assert.All(script, s => Assert.InRange(s.Bytes, 2 << 20, 64 << 20));
        Assert.All(script, s => Assert.Equal(0, s.Bytes % 4096));
        Assert.Contains(script, s => s.Bytes > 32 << 20);
        Assert.Contains(script, s => s.Bytes < 4 << 20);
    }

    [Fact]
    public void A_tree_is_grown_from_the_root_and_felled_from_the_leaves()
    {
        Assert.Equal(Enumerable.Range(0, TreeOrder.Nodes), TreeOrder.ParentsFirst.Select(n => (int)n).Order());
        Assert.Equal(Enumerable.Range(0, TreeOrder.Nodes), TreeOrder.ChildrenFirst.Select(n => (int)n).Order());
        Assert.Equal([0, 1, 3], TreeOrder.ParentsFirst.Take(3).Select(n => (int)n));
        Assert.Equal(0, TreeOrder.ChildrenFirst[^1]);
    }

    [Fact]
    public void A_block_that_changed_while_it_was_live_fails_the_measurement()
    {
        MarkedBlock<NativeMemoryAllocator, AddressHandle> first = MarkedBlock<NativeMemoryAllocator, AddressHandle>.Alloc(32, 7);
        first.Free();
        MarkedBlock<SameBlockTwice, AddressHandle> one = MarkedBlock<SameBlockTwice, AddressHandle>.Alloc(32, 1);
        MarkedBlock<SameBlockTwice, AddressHandle> two = MarkedBlock<SameBlockTwice, AddressHandle>.Alloc(24, 2);

        InvalidDataException caught = Assert.Throws<InvalidDataException>(one.Free);
        Assert.Contains("32 bytes changed", caught.Message, StringComparison.Ordinal);
        two.Free();
    }

    [Fact]
    public void Marks_of_different_threads_differ()
    {
        var first = new MarkSource(0);
        var second = new MarkSource(1);
        Assert.Equal(4, new HashSet<ulong> { first.Next(), first.Next(), second.Next(), second.Next() }.Count);
    }

    private static void AssertCounts<TAccount>(Func<ThreadCrew, HeapWorkload> make, int operations, int live, int workers = Threads)
    {
        using var crew = new ThreadCrew(workers == 1 ? 1 : Threads, pin: false);
        HeapWorkload workload = make(crew);
        Assert.Equal(0, operations % workload.Granularity);
        crew.Run(workload.SetUp);
        crew.Run(workload.WarmUp);
        crew.Run(thread => workload.Run(thread, operations));
        int before = CheckingAllocator<TAccount>.Allocations;

        crew.Run(thread => workload.Run(thread, operations));

        Assert.Equal(workers * operations, CheckingAllocator<TAccount>.Allocations - before);
        Assert.Equal(live, CheckingAllocator<TAccount>.Live);
        Assert.Equal(0, CheckingAllocator<TAccount>.Untouched);
    }

    /// <summary>Serves the same memory again and again.</summary>
    private readonly unsafe struct SameBlockTwice : IAllocatorUnderTest<AddressHandle>
    {
        private static readonly byte* s_block = (byte*)System.Runtime.InteropServices.NativeMemory.Alloc(64);

        public static AddressHandle Alloc(nuint bytes) => new(s_block);

        public static AddressHandle AllocZeroed(nuint bytes) => Alloc(bytes);

        public static AddressHandle AlignedAlloc(nuint bytes, nuint alignment) => Alloc(bytes);

        public static AddressHandle Realloc(AddressHandle block, nuint bytes) => block;

        public static void Free(AddressHandle block)
        {
        }

        public static nuint UsableSize(AddressHandle block) => 64;
    }

    private sealed class A;

    private sealed class B;

    private sealed class C;

    private sealed class D;

    private sealed class E;

    private sealed class F;

    private sealed class G;

    private sealed class H;
}
