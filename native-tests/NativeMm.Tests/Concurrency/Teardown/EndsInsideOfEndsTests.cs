using NativeMm.AddressSpaces;
using NativeMm.Buffers;
using NativeMm.Heap;
using NativeMm.Heap.Checked;
using NativeMm.Runtime;
using NativeMm.Teardown;
using NativeMm.Tests.Support;
using NativeMm.Tests.Support.Teardown;
using Xunit;

namespace NativeMm.Tests.Concurrency.Teardown;

/// <summary>Whoever is told of an end ends something himself, or ends it while it is under way: nothing hangs, nothing is lost, nothing goes twice.</summary>
public sealed class EndsInsideOfEndsTests
{
    private const nuint MiB = ReleaseFixture.MiB;
    private const long Base = 1L << 40;
    private const long Leaf = SpaceReleaseFixture.Leaf;

    [Fact]
    public async Task A_listener_that_throws_and_stops_does_not_make_the_end_of_its_space_throw()
    {
        using var fixture = new SpaceReleaseFixture(TeardownStrategy.RangeSplit, width: 1);
        AddressSpace space = fixture.Make();
        SpaceReleaseFixture.Populate(space, Base, 20 * Leaf);
        using var source = new CancellationTokenSource();
        int told = 0;
        var listener = new ProgressList
        {
            Told = _ =>
            {
                told++;
                source.Cancel();
                throw new InvalidTimeZoneException("of the test");
            },
        };
        Task ended = space.UnmapAsync(Base, 20 * Leaf, listener, source.Token);
        await Assert.ThrowsAnyAsync<Exception>(() => ended.WaitAsync(ReleaseFixture.Timeout));
        int toldBefore = told;
        Assert.NotEqual(0, fixture.Releasing);

        space.Dispose();

        Assert.Equal((SpaceReleaseFixture.Page, 0L), (fixture.AllocatedBytes(), fixture.Releasing));
        Assert.Equal(toldBefore, told);
    }

    [Fact]
    public async Task A_listener_that_disposes_its_space_is_refused()
    {
        using var fixture = new SpaceReleaseFixture(TeardownStrategy.RangeSplit, width: 1);
        AddressSpace space = fixture.Make();
        SpaceReleaseFixture.Populate(space, Base, 20 * Leaf);
        int told = 0;
        int refused = 0;
        var listener = new ProgressList
        {
            Told = _ =>
            {
                // Also the last time: then the end of the space, on another thread, may be waiting for this listener alone.
                told++;
                try
                {
                    space.Dispose();
                }
                catch (InvalidOperationException)
                {
                    refused++;
                    throw;
                }
            },
        };

        Task ended = space.UnmapAsync(Base, 20 * Leaf, listener);

        Exception thrown = await Assert.ThrowsAsync<InvalidOperationException>(() => ended.WaitAsync(ReleaseFixture.Timeout));
        Assert.Contains("progress", thrown.Message, StringComparison.Ordinal);
        Assert.False(space.IsDisposed);
        Assert.InRange(told, 1, int.MaxValue);
        Assert.Equal(told, refused);
        space.Dispose();
        Assert.Equal((SpaceReleaseFixture.Page, 0L), (fixture.AllocatedBytes(), fixture.Releasing));
    }

    [Fact]
    public async Task A_listener_that_disposes_its_space_is_refused_while_another_thread_ends_it()
    {
        using var fixture = new SpaceReleaseFixture(TeardownStrategy.RangeSplit, width: 1);
        AddressSpace space = fixture.Make();
        SpaceReleaseFixture.Populate(space, Base, 20 * Leaf);
        Task end = Task.CompletedTask;
        var listener = new ProgressList
        {
            Told = _ =>
            {
                if (end.IsCompleted)
                {
                    end = Task.Factory.StartNew(space.Dispose, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
                    HeapReleaseTests.Until(() => space.IsDisposed);
                }

                Assert.Throws<InvalidOperationException>(space.Dispose);
            },
        };

        await space.UnmapAsync(Base, 20 * Leaf, listener).WaitAsync(ReleaseFixture.Timeout);

        await end.WaitAsync(ReleaseFixture.Timeout);
        Assert.Equal((SpaceReleaseFixture.Page, 0L), (fixture.AllocatedBytes(), fixture.Releasing));
    }

    [Fact]
    public async Task A_listener_may_end_its_space_without_waiting()
    {
        using var fixture = new SpaceReleaseFixture(TeardownStrategy.RangeSplit, width: 1);
        AddressSpace space = fixture.Make();
        SpaceReleaseFixture.Populate(space, Base, 20 * Leaf);
        SpaceReleaseFixture.Populate(space, 2 * Base, 2 * Leaf);
        Task end = Task.CompletedTask;
        var listener = new ProgressList { Told = _ => end = end.IsCompleted ? space.DisposeAsync().AsTask() : end };

        await space.UnmapAsync(Base, 20 * Leaf, listener).WaitAsync(ReleaseFixture.Timeout);

        await end.WaitAsync(ReleaseFixture.Timeout);
        Assert.Equal((SpaceReleaseFixture.Page, 0L), (fixture.AllocatedBytes(), fixture.Releasing));
    }

    [LinuxTheory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_listener_may_end_the_runtime_of_its_heap_or_space_without_waiting(int maxActive)
    {
        using var fixture = new ReleaseFixture(maxActive);
        NativeHeap heap = fixture.Filled();
        AddressSpace space = fixture.Runtime.CreateAddressSpace();
        SpaceReleaseFixture.Populate(space, Base, 20 * Leaf);
        Task end = Task.CompletedTask;
        int told = 0;
        var listener = new ProgressList
        {
            Told = _ =>
            {
                if (Interlocked.Increment(ref told) == 1)
                {
                    Assert.Contains("Use DisposeAsync there", Assert.Throws<InvalidOperationException>(fixture.Runtime.Dispose).Message, StringComparison.Ordinal);
                    end = fixture.Runtime.DisposeAsync().AsTask();
                }
            },
        };
        Task release = maxActive == 1 ? heap.DisposeAsync(listener) : space.UnmapAsync(Base, 20 * Leaf, listener);

        await release.WaitAsync(ReleaseFixture.Timeout);

        Assert.NotEqual(0, told);
        await end.WaitAsync(ReleaseFixture.Timeout);
        Assert.True(space.IsDisposed);
        fixture.Ledger.AssertNothingLeaked();
    }

    [LinuxTheory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_listener_that_disposes_its_heap_does_not_wait_and_the_runtime_is_refused(int maxActive)
    {
        using var fixture = new ReleaseFixture(maxActive);
        NativeHeap heap = fixture.Filled();
        int refused = 0;
        var listener = new ProgressList
        {
            Told = _ =>
            {
                heap.Dispose();
                Assert.Throws<InvalidOperationException>(fixture.Runtime.Dispose);
                refused++;
            },
        };

        await heap.DisposeAsync(listener).WaitAsync(ReleaseFixture.Timeout);

        Assert.NotEqual(0, refused);
        Assert.Equal(0UL, fixture.AssertAddsUp().ReleasingBytes);
        HeapReleaseTests.AssertEachOnce(fixture.Platform, 38 * MiB);
    }

    [LinuxTheory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_listener_that_disposes_the_runtime_that_ends_does_not_wait(int maxActive)
    {
        var fixture = new ReleaseFixture(maxActive);
        ReleaseFixture.Fill(fixture.Runtime.Heap);
        int told = 0;
        var listener = new ProgressList
        {
            Told = _ =>
            {
                fixture.Runtime.Dispose();
                told++;
            },
        };

        await fixture.Runtime.DisposeAsync(listener).WaitAsync(ReleaseFixture.Timeout);

        Assert.NotEqual(0, told);
        fixture.Ledger.AssertNothingLeaked();
    }

    [LinuxFact]
    public async Task A_listener_that_disposes_its_arena_does_not_wait()
    {
        using var fixture = new ReleaseFixture();
        Arena arena = ArenaReleaseTests.Filled(fixture.Runtime.Heap);
        int told = 0;
        var listener = new ProgressList
        {
            Told = _ =>
            {
                arena.Dispose();
                told++;
            },
        };

        await arena.DisposeAsync(listener).WaitAsync(ReleaseFixture.Timeout);

        Assert.NotEqual(0, told);
        Assert.Equal((0UL, 0UL), (fixture.AssertAddsUp().ReleasingBytes, fixture.AssertAddsUp().InUseBytes));
    }

    [LinuxTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_heap_that_looks_for_leaks_is_waited_for_by_who_disposes_it_as_well(bool byRuntime)
    {
        var ledger = new FaultyPlatform();
        using var inside = new ManualResetEventSlim();
        using var goesOn = new ManualResetEventSlim();
        MemoryRuntime runtime = Checked(ledger, _ =>
        {
            inside.Set();
            goesOn.Wait(ReleaseFixture.Timeout);
        });
        NativeHeap heap = runtime.CreateHeap();
        ReleaseFixture.Fill(heap, 2);
        Task first = Task.Run(heap.Dispose);
        Assert.True(inside.Wait(ReleaseFixture.Timeout));

        Task second = Task.Run(byRuntime ? runtime.Dispose : heap.Dispose);
        bool isEarly = second.Wait(100);
        goesOn.Set();

        await Task.WhenAll(first, second).WaitAsync(ReleaseFixture.Timeout);
        Assert.False(isEarly);
        runtime.Dispose();
        ledger.AssertNothingLeaked();
    }

    [LinuxTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_leak_handler_may_end_the_runtime(bool inBackground)
    {
        var ledger = new FaultyPlatform();
        MemoryRuntime? runtime = null;
        runtime = Checked(ledger, _ => runtime!.Dispose());
        NativeHeap heap = runtime.CreateHeap();
        ReleaseFixture.Fill(heap, 2);

        await (inBackground ? heap.DisposeAsync(null) : Task.Run(heap.Dispose)).WaitAsync(ReleaseFixture.Timeout);

        runtime.Dispose();
        ledger.AssertNothingLeaked();
    }

    [LinuxFact]
    public async Task What_a_leak_handler_throws_loses_nothing_in_the_background()
    {
        var ledger = new FaultyPlatform();
        MemoryRuntime runtime = Checked(ledger, _ => throw new OutOfMemoryException("of the test"));
        NativeHeap heap = runtime.CreateHeap();
        ReleaseFixture.Fill(heap, 2);

        await Assert.ThrowsAsync<OutOfMemoryException>(() => heap.DisposeAsync(null).WaitAsync(ReleaseFixture.Timeout));

        heap.Dispose();
        runtime.Dispose();
        ledger.AssertNothingLeaked();
    }

    [LinuxTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_heap_may_end_while_an_arena_of_it_is_given_back(bool byRuntime)
    {
        var fixture = new ReleaseFixture();
        NativeHeap heap = fixture.Runtime.CreateHeap();
        Arena arena = ArenaReleaseTests.Filled(heap);
        fixture.Platform.Hold();
        Task release = arena.DisposeAsync(null);
        Task end = Task.Run(byRuntime ? fixture.Runtime.Dispose : heap.Dispose);
        Thread.Sleep(20);

        fixture.Platform.LetGo();

        await Task.WhenAll(release, end).WaitAsync(ReleaseFixture.Timeout);
        fixture.Runtime.Dispose();
        fixture.Ledger.AssertNothingLeaked();
    }

    [LinuxFact]
    public async Task Owners_may_let_go_of_a_runtime_that_ends_in_the_background()
    {
        var fixture = new ReleaseFixture();
        NativeHeap heap = fixture.Runtime.Heap;
        ReleaseFixture.Fill(heap);
        var buffer = new NativeBuffer<byte>(1000, heap: heap);
        var arena = new Arena(heap);
        arena.Alloc<byte>(1000);
        nint forgotten = ReleaseFixture.Alloc(heap, 100);
        fixture.Platform.Hold();
        Task end = fixture.Runtime.DisposeAsync(null);

        buffer.Dispose();
        arena.Dispose();

        // As a finalizer does it, where an exception ends the process.
        HeapBlock.FreeForgotten(heap, (nuint)forgotten, 100);
        fixture.Platform.LetGo();
        await end.WaitAsync(ReleaseFixture.Timeout);
        fixture.Ledger.AssertNothingLeaked();
    }

    private static MemoryRuntime Checked(FaultyPlatform ledger, Action<LeakReport> handler) => new(
        new MemoryRuntimeOptions
        {
            CapacityBytes = 128 << 20,
            BackgroundTrim = false,
            Checked = new CheckedOptions { Enabled = true, LeakHandler = handler },
            Teardown = new TeardownOptions { InlineFloorBytes = 4 << 20, MaxActive = 2 },
        },
        ledger,
        isShared: false);
}
