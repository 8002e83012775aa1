using NativeMm.AddressSpaces;
using NativeMm.Teardown;
using NativeMm.Tests.Support;
using NativeMm.Tests.Support.Teardown;
using Xunit;

namespace NativeMm.Tests.Concurrency.AddressSpaces;

/// <summary>Who lets go of much memory and does not wait, beside those who go on.</summary>
public sealed class SpaceReleaseTests
{
    private const long Base = 1L << 40;
    private const int Page = SpaceReleaseFixture.Page;
    private const long Leaf = SpaceReleaseFixture.Leaf;
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(TeardownStrategy.RangeSplit)]
    [InlineData(TeardownStrategy.Batches)]
    public async Task Who_does_not_wait_is_back_before_anything_is_given_back(TeardownStrategy strategy)
    {
        using var open = new ManualResetEventSlim();
        using SpaceReleaseFixture fixture = Held(strategy, open);
        AddressSpace space = fixture.Space;
        SpaceReleaseFixture.Populate(space, Base, 6 * Leaf);
        long held = fixture.AllocatedBytes();
        Task ended = space.UnmapAsync(Base, 6 * Leaf);
        Assert.False(ended.IsCompleted);
        Assert.True(fixture.AllocatedBytes() >= held);
        Assert.Throws<AddressFaultException>(() => space.Read<long>(Base));
        Assert.Equal(fixture.AllocatedBytes(), space.GetStatistics().FrameBytes + fixture.Releasing);

        // The range is free for something new, which is not given back with it.
        SpaceReleaseFixture.Populate(space, Base, Leaf);
        Assert.Equal(fixture.AllocatedBytes(), space.GetStatistics().FrameBytes + fixture.Releasing);
        open.Set();
        await ended.WaitAsync(s_timeout);
        Assert.Equal((0L, Base), (fixture.Releasing, space.Read<long>(Base)));
        Assert.Equal(fixture.AllocatedBytes(), space.GetStatistics().FrameBytes);
    }

    [Fact]
    public async Task The_end_of_a_space_that_nobody_waits_for_closes_it_at_once()
    {
        using var open = new ManualResetEventSlim();
        using SpaceReleaseFixture fixture = Held(TeardownStrategy.RangeSplit, open);
        AddressSpace space = fixture.Make();
        SpaceReleaseFixture.Populate(space, Base, 6 * Leaf);
        long held = fixture.AllocatedBytes();
        Task ended = space.DisposeAsync().AsTask();
        Task second = space.DisposeAsync().AsTask();
        Assert.True(space.IsDisposed);
        Assert.False(ended.IsCompleted || second.IsCompleted);
        Assert.Throws<ObjectDisposedException>(() => space.Read<long>(Base));
        Assert.Throws<ObjectDisposedException>(() => space.Write(Base, 1L));
        Assert.Throws<ObjectDisposedException>(() => space.Unmap(Base, Page));
        Assert.Equal(held, fixture.AllocatedBytes());
        Assert.Equal(held, fixture.Releasing + Page);
        open.Set();
        await Task.WhenAll(ended, second).WaitAsync(s_timeout);
        Assert.Equal((Page, 0L), (fixture.AllocatedBytes(), fixture.Releasing));
        await space.DisposeAsync();
    }

    [Theory]
    [InlineData(TeardownStrategy.RangeSplit)]
    [InlineData(TeardownStrategy.Batches)]
    public async Task The_accounts_close_at_every_step(TeardownStrategy strategy)
    {
        using var fixture = new SpaceReleaseFixture(strategy, width: 1, threshold: 500);
        AddressSpace space = fixture.Space;
        SpaceReleaseFixture.Populate(space, Base, 26 * Leaf);
        var seen = new List<string>();
        var listener = new StepListener(progress =>
        {
            long allocated = fixture.AllocatedBytes();
            long sum = space.GetStatistics().FrameBytes + fixture.Releasing;

            // Of batches the frames that hold them are allocated as well, and those of a worker may be free by the second look.
            if (strategy == TeardownStrategy.RangeSplit ? sum != allocated : Math.Abs(sum - allocated) > 8 * Page)
            {
                seen.Add($"{sum} accounted, {allocated} allocated, at {progress}");
            }
        });
        await space.UnmapAsync(Base, 26 * Leaf, listener).WaitAsync(s_timeout);
        Assert.Empty(seen);
        Assert.True(listener.Last.BytesDone > 26 * Leaf);
        Assert.Equal(listener.Last.BytesTotal, listener.Last.BytesDone);
        Assert.InRange(listener.Last.Steps, 4, 100);
        Assert.Equal(fixture.AllocatedBytes(), space.GetStatistics().FrameBytes);
    }

    [Theory]
    [InlineData(TeardownStrategy.RangeSplit)]
    [InlineData(TeardownStrategy.Batches)]
    public async Task A_cancelled_release_goes_on_with_a_trim(TeardownStrategy strategy)
    {
        using var fixture = new SpaceReleaseFixture(strategy, width: 1);
        SpaceReleaseFixture.Populate(fixture.Space, Base, 20 * Leaf);
        using var source = new CancellationTokenSource();
        var listener = new StepListener(_ => source.Cancel());
        Task ended = fixture.Space.UnmapAsync(Base, 20 * Leaf, listener, source.Token);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => ended.WaitAsync(s_timeout));
        Assert.InRange(fixture.Releasing, Leaf, 20 * (Leaf + Page));
        Assert.Equal(fixture.AllocatedBytes(), fixture.Space.GetStatistics().FrameBytes + fixture.Releasing);
        Assert.Throws<AddressFaultException>(() => fixture.Space.Read<long>(Base));
        fixture.Space.FreeUnused();
        Assert.True(SpinWait.SpinUntil(() => fixture.Releasing == 0, s_timeout));
        Assert.True(SpinWait.SpinUntil(() => fixture.AllocatedBytes() == fixture.Space.GetStatistics().FrameBytes, s_timeout));
    }

    [Fact]
    public async Task A_cancelled_release_ends_with_its_space()
    {
        using var fixture = new SpaceReleaseFixture(TeardownStrategy.RangeSplit, width: 1);
        AddressSpace space = fixture.Make();
        SpaceReleaseFixture.Populate(space, Base, 20 * Leaf);
        using var source = new CancellationTokenSource();
        Task ended = space.UnmapAsync(Base, 20 * Leaf, new StepListener(_ => source.Cancel()), source.Token);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => ended.WaitAsync(s_timeout));
        space.Dispose();
        Assert.Equal((Page, 0L), (fixture.AllocatedBytes(), fixture.Releasing));
    }

    [Fact]
    public async Task A_cancelled_release_by_batches_waits_for_what_workers_have_in_their_hands()
    {
        using var inChain = new ManualResetEventSlim();
        using var open = new ManualResetEventSlim();
        using var fixture = new SpaceReleaseFixture(TeardownStrategy.Batches, width: 2, megabytes: 256, threshold: 600);
        SpaceReleaseFixture.Populate(fixture.Space, Base, 60 * Leaf);
        using var source = new CancellationTokenSource();
        int gathering = 0;
        fixture.Frames.Freeing = () =>
        {
            if (Volatile.Read(ref gathering) is not 0 and int thread && thread != Environment.CurrentManagedThreadId)
            {
                inChain.Set();
                open.Wait(s_timeout);
            }
        };

        // The first report is of the thread that gathers; from then on whoever else frees has a chain.
        var listener = new StepListener(_ =>
        {
            if (Interlocked.Exchange(ref gathering, Environment.CurrentManagedThreadId) != 0)
            {
                Assert.True(inChain.Wait(s_timeout));
                source.Cancel();
            }
        });
        Task ended = fixture.Space.UnmapAsync(Base, 60 * Leaf, listener, source.Token);

        Assert.True(SpinWait.SpinUntil(() => source.IsCancellationRequested && fixture.Workers.Statistics.Waits != 0, s_timeout));
        Assert.False(ended.IsCompleted);
        open.Set();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => ended.WaitAsync(s_timeout));

        fixture.Frames.Freeing = null;
        Assert.Equal(fixture.AllocatedBytes(), fixture.Space.GetStatistics().FrameBytes + fixture.Releasing);
    }

    [Theory]
    [InlineData(TeardownStrategy.RangeSplit)]
    [InlineData(TeardownStrategy.Batches)]
    public async Task Two_who_let_go_of_the_same_frames_at_once_free_each_once(TeardownStrategy strategy)
    {
        using var fixture = new SpaceReleaseFixture(strategy, width: 2, threshold: 600);
        for (int round = 0; round < 10; round++)
        {
            SpaceReleaseFixture.Populate(fixture.Space, Base, 4 * Leaf);
            using AddressSpace fork = fixture.Space.Fork();
            using var start = new Barrier(2);
            await AtOnce(start, () => fixture.Space.Unmap(Base, 4 * Leaf), () => fork.UnmapAsync(Base, 4 * Leaf).Wait(s_timeout));
            fork.Faults.FreeKept();
            Assert.Equal((2 * Page, 0L), (fixture.AllocatedBytes(), fixture.Releasing));
        }
    }

    [Theory]
    [InlineData(TeardownStrategy.RangeSplit)]
    [InlineData(TeardownStrategy.Batches)]
    public async Task Ranges_that_overlap_are_let_go_of_at_once_and_no_page_twice(TeardownStrategy strategy)
    {
        using var fixture = new SpaceReleaseFixture(strategy, width: 2, threshold: 600);
        for (int round = 0; round < 10; round++)
        {
            SpaceReleaseFixture.Populate(fixture.Space, Base, 9 * Leaf);
            using var start = new Barrier(2);
            await AtOnce(start, () => fixture.Space.Unmap(Base, 6 * Leaf), () => fixture.Space.UnmapAsync(Base + (3 * Leaf), 6 * Leaf).Wait(s_timeout));
            Assert.Equal((Page, 0L), (fixture.AllocatedBytes(), fixture.Releasing));
            fixture.Space.Validate();
        }
    }

    [Fact]
    public async Task A_token_that_is_cancelled_already_changes_nothing()
    {
        using var fixture = new SpaceReleaseFixture();
        SpaceReleaseFixture.Populate(fixture.Space, Base, 2 * Leaf);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => fixture.Space.UnmapAsync(Base, 2 * Leaf, null, new CancellationToken(canceled: true)));
        Assert.Equal(Base, fixture.Space.Read<long>(Base));
    }

    [Fact]
    public async Task What_a_listener_throws_reaches_who_awaits()
    {
        using var fixture = new SpaceReleaseFixture();
        SpaceReleaseFixture.Populate(fixture.Space, Base, 2 * Leaf);
        var listener = new StepListener(_ => throw new InvalidOperationException("listener"));
        Task ended = fixture.Space.UnmapAsync(Base, 2 * Leaf, listener);
        Assert.Equal("listener", (await Assert.ThrowsAsync<InvalidOperationException>(() => ended.WaitAsync(s_timeout))).Message);
        Assert.Equal((Page, 0L), (fixture.AllocatedBytes(), fixture.Releasing));
    }

    [Fact]
    public async Task The_end_waits_for_what_nobody_waited_for()
    {
        using var open = new ManualResetEventSlim();
        using SpaceReleaseFixture fixture = Held(TeardownStrategy.RangeSplit, open);
        AddressSpace space = fixture.Make();
        SpaceReleaseFixture.Populate(space, Base, 8 * Leaf);
        Task[] ended = [.. Enumerable.Range(0, 4).Select(i => space.UnmapAsync(Base + (2 * i * Leaf), 2 * Leaf))];

        // There is no worker yet: the end does it itself.
        space.Dispose();
        Assert.Equal((Page, 0L), (fixture.AllocatedBytes(), fixture.Releasing));
        await Task.WhenAll(ended).WaitAsync(s_timeout);
        open.Set();
    }

    [Fact]
    public async Task A_thousand_spaces_end_at_once()
    {
        using var fixture = new SpaceReleaseFixture(TeardownStrategy.RangeSplit, width: 3, megabytes: 128);
        AddressSpace[] spaces = [.. Enumerable.Range(0, 1000).Select(_ => fixture.Make())];
        foreach (AddressSpace space in spaces)
        {
            SpaceReleaseFixture.Populate(space, Base, Leaf, page => page < 8);
        }

        Task[] ended = [.. spaces.Select((space, i) => i % 10 == 0 ? Task.Run(space.Dispose) : space.DisposeAsync().AsTask())];
        await Task.WhenAll(ended).WaitAsync(s_timeout);
        Assert.Equal((Page, 0L), (fixture.AllocatedBytes(), fixture.Releasing));
        Assert.InRange(fixture.Workers.Threads, 0, 3);
    }

    [Theory]
    [InlineData(TeardownStrategy.RangeSplit)]
    [InlineData(TeardownStrategy.Batches)]
    public void Readers_and_writers_beside_a_release_see_their_own_pages_or_none(TeardownStrategy strategy)
    {
        using var fixture = new SpaceReleaseFixture(strategy, width: 2, megabytes: 64);
        AddressSpace space = fixture.Space;
        const long Shared = Base + (2 * Leaf);
        StartGate.RunBeside(
            1,
            _ =>
            {
                for (int round = 0; round < 60; round++)
                {
                    SpaceReleaseFixture.Populate(space, Base, 5 * Leaf, page => page % 7 == 0);
                    if (round % 2 == 0)
                    {
                        space.Unmap(Base, 5 * Leaf);
                    }
                    else
                    {
                        space.UnmapAsync(Base, 5 * Leaf);
                    }
                }
            },
            2,
            (thread, goesOn) =>
            {
                var random = new Random(thread);
                while (goesOn())
                {
                    long address = Shared + (random.Next(1024) * Page);
                    try
                    {
                        long value = space.Read<long>(address);
                        Assert.True(value == 0 || value == address || value == -address, $"{value:x} at {address:x}");
                        space.Write(address, -address);
                        using ReadLease lease = space.LeaseRead(address, Page);
                        long leased = BitConverter.ToInt64(lease.Span);
                        Assert.True(leased == 0 || leased == address || leased == -address, $"{leased:x} leased at {address:x}");
                    }
                    catch (AddressFaultException)
                    {
                        // Not mapped at this moment.
                    }
                }
            });
        Assert.True(SpinWait.SpinUntil(() => fixture.Releasing == 0, s_timeout));
        fixture.Frames.AssertNoMistake();
    }

    /// <summary>A fixture whose threads do nothing until the test lets them.</summary>
    private static SpaceReleaseFixture Held(TeardownStrategy strategy, ManualResetEventSlim open) => new(
        SpaceReleaseFixture.Options(strategy, width: 1),
        megabytes: 64,
        body => new Thread(() =>
        {
            open.Wait(s_timeout);
            body();
        })
        { IsBackground = true }.Start());

    private static Task AtOnce(Barrier start, params Action[] actions) =>
        Task.WhenAll(actions.Select(action => Task.Factory.StartNew(
            () =>
            {
                start.SignalAndWait(s_timeout);
                action();
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default))).WaitAsync(s_timeout);

    private sealed class StepListener(Action<TeardownProgress> report) : IProgress<TeardownProgress>
    {
        public TeardownProgress Last { get; private set; }

        public void Report(TeardownProgress value)
        {
            Last = value;
            report(value);
        }
    }
}
