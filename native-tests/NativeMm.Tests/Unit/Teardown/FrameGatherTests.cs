using NativeMm.Teardown;
using NativeMm.Tests.Support.Teardown;
using Xunit;

namespace NativeMm.Tests.Unit.Teardown;

/// <summary>Frames that are gathered, flushed and freed: here, or by workers. Each comes back once, and none before a flush.</summary>
public sealed class FrameGatherTests : IDisposable
{
    private readonly int _owner = Environment.CurrentManagedThreadId;
    private readonly LedgerFrames _frames = new(megabytes: 64);
    private readonly TeardownWorkers _workers = new(new TeardownOptions { MaxActive = 2 });
    private readonly RecordingRelease _release;

    public FrameGatherTests()
    {
        _workers.Prepare();
        _release = new RecordingRelease(_frames);
    }

    public static TheoryData<int, int> Edges
    {
        get
        {
            var rows = new TheoryData<int, int>();
            int[] counts = [0, 1, 7, 8, 9, 509, 510, 511, 512, 517, 518, 519, 1028, 1029, 3000];
            foreach (int threshold in new[] { 0, 1, 8, 9, 510, 511, 512, 100_000 })
            {
                foreach (int count in counts)
                {
                    rows.Add(threshold, count);
                }
            }

            return rows;
        }
    }

    public void Dispose()
    {
        _workers.Dispose();
        Assert.Empty(_release.Mistakes);
        _frames.Dispose();
    }

    [Theory]
    [MemberData(nameof(Edges))]
    public void Every_frame_is_freed_once_and_behind_a_flush(int threshold, int count)
    {
        var gather = new FrameGather(_frames, _release, _workers, threshold);
        for (int i = 0; i < count; i++)
        {
            gather.Add(_release.Clear());
            Assert.InRange(gather.Count, 0, Math.Max(threshold - 1, 8));
        }

        gather.Complete();
        Assert.Equal((count, 0L), (_release.Freed, gather.Count));
        Assert.Equal(0, _frames.Allocated);
    }

    [Fact]
    public void A_threshold_of_the_inline_part_hands_nothing_over()
    {
        var gather = new FrameGather(_frames, _release, _workers, FrameGather.InlineFrames);
        for (int i = 0; i < 64; i++)
        {
            gather.Add(_release.Clear());
        }

        Assert.Equal((64, 8), (_release.Freed, _release.Flushes));
        Assert.Equal(0, _workers.Threads);
        gather.Complete();
    }

    [Fact]
    public void The_chain_behind_the_inline_part_goes_to_a_worker_and_the_inline_part_does_not()
    {
        var pieces = new List<(int Thread, int Length)>();
        _release.OnFree = length =>
        {
            lock (pieces)
            {
                pieces.Add((Environment.CurrentManagedThreadId, length));
            }
        };
        var gather = new FrameGather(_frames, _release, _workers, 8 + 510 + 5);
        for (int i = 0; i < 8 + 510 + 5; i++)
        {
            gather.Add(_release.Clear());
        }

        Assert.Equal(0, gather.Count);
        gather.Complete();
        Assert.Equal((Environment.CurrentManagedThreadId, 8), pieces[0]);
        Assert.Equal([510, 5], pieces.Skip(1).Select(piece => piece.Length));
    }

    [Fact]
    public void A_flush_keeps_what_is_gathered()
    {
        var gather = new FrameGather(_frames, _release, _workers, 100_000);
        for (int i = 0; i < 600; i++)
        {
            gather.Add(_release.Clear());
        }

        gather.Flush();
        gather.Flush();
        Assert.Equal((600, 0L, 1), (gather.Count, _release.Freed, _release.Flushes));
        gather.Free();
        Assert.Equal((0, 600L, 1), (gather.Count, _release.Freed, _release.Flushes));
        gather.Add(_release.Clear());
        gather.Complete();
        Assert.Equal(2, _release.Flushes);
    }

    [Fact]
    public void Shared_frames_are_let_go_of_and_come_back_with_their_last_owner()
    {
        var first = new FrameGather(_frames, _release, _workers, 512);
        var second = new FrameGather(_frames, _release, _workers, 700);
        ulong[] shared = new ulong[2000];
        for (int i = 0; i < shared.Length; i++)
        {
            shared[i] = _release.Clear(owners: 2);
            first.Add(shared[i]);
        }

        first.Complete();
        Assert.Equal(2000, _frames.Allocated);
        foreach (ulong address in shared)
        {
            _release.ClearAgain(address);
            second.Add(address);
        }

        second.Complete();
        Assert.Equal((4000, 0L), (_release.Freed, _frames.Allocated));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(7)]
    public void Without_a_frame_for_a_batch_it_frees_what_it_has(int every)
    {
        ulong[] addresses = [.. Enumerable.Range(0, 5000).Select(_ => _release.Clear())];
        _frames.RefuseEvery = every;
        var gather = new FrameGather(_frames, _release, _workers, 1500);
        foreach (ulong address in addresses)
        {
            _release.ClearAgain(address);
            gather.Add(address);
        }

        gather.Complete();
        Assert.Equal((5000, 0L), (_release.Freed, _frames.Allocated));
        Assert.Equal(_frames.Refusals, _workers.Statistics.InlineWithoutMemory);
        Assert.InRange(_frames.Refusals, 1, 5000);
    }

    [Fact]
    public void Without_workers_the_gathering_thread_frees()
    {
        _workers.Dispose();
        _release.OnFree = _ => Assert.Equal(_owner, Environment.CurrentManagedThreadId);
        var gather = new FrameGather(_frames, _release, _workers, 512);
        for (int i = 0; i < 3000; i++)
        {
            gather.Add(_release.Clear());
        }

        gather.Complete();
        Assert.Equal((3000, 0L), (_release.Freed, _frames.Allocated));
        Assert.InRange(_workers.Statistics.InlineWithoutWorker, 5, 6);
        Assert.Null(gather.Failure);
    }

    [Fact]
    public void When_the_workers_do_not_keep_up_the_gathering_thread_frees_as_well()
    {
        using var open = new ManualResetEventSlim();
        int owner = _owner;
        _release.OnFree = _ =>
        {
            if (Environment.CurrentManagedThreadId != owner)
            {
                Assert.True(open.Wait(TimeSpan.FromSeconds(60)));
            }
        };
        var gather = new FrameGather(_frames, _release, _workers, 512);
        for (int i = 0; i < 7000; i++)
        {
            gather.Add(_release.Clear());
        }

        Assert.True(_workers.Statistics.InlineWithoutWorker > 0);
        open.Set();
        gather.Complete();
        Assert.Equal((7000, 0L), (_release.Freed, _frames.Allocated));
    }

    [Fact]
    public async Task The_workers_may_end_while_they_have_chains_and_every_frame_is_freed()
    {
        using var taken = new ManualResetEventSlim();
        using var open = new ManualResetEventSlim();
        int owner = _owner;
        _release.OnFree = _ =>
        {
            if (Environment.CurrentManagedThreadId != owner)
            {
                taken.Set();
                Assert.True(open.Wait(TimeSpan.FromSeconds(60)));
            }
        };
        var gather = new FrameGather(_frames, _release, _workers, 512);
        for (int i = 0; i < 1024; i++)
        {
            gather.Add(_release.Clear());
        }

        Assert.True(taken.Wait(TimeSpan.FromSeconds(60)));
        Task end = Task.Factory.StartNew(_workers.Dispose, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        Assert.True(SpinWait.SpinUntil(() => !_workers.TryQueue(new ChainJob(_workers, _frames, _release)), TimeSpan.FromSeconds(60)));
        Assert.False(end.IsCompleted);
        for (int i = 0; i < 1024; i++)
        {
            gather.Add(_release.Clear());
        }

        open.Set();
        gather.Complete();
        await end.WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Equal((2048, 0L), (_release.Freed, _frames.Allocated));
        Assert.Null(gather.Failure);
    }

    [Fact]
    public void What_a_worker_throws_is_kept_and_the_other_batches_are_freed()
    {
        int failing = 0;
        _release.OnFree = length => _ = length == 510 && Interlocked.Increment(ref failing) == 1 ? throw new InvalidOperationException("batch") : 0;
        var gather = new FrameGather(_frames, _release, _workers, 8 + (3 * 510));
        ulong[] addresses = [.. Enumerable.Range(0, 8 + (3 * 510)).Select(_ => _release.Clear())];
        foreach (ulong address in addresses)
        {
            gather.Add(address);
        }

        gather.Complete();
        Assert.Equal("batch", gather.Failure?.Message);
        Assert.Equal(8 + (2 * 510), _release.Freed);

        // What the failing release had is not freed by others: nobody knows how far it came. It was the first batch of the chain.
        _release.OnFree = null;
        Assert.Equal(510, _frames.Allocated);
        _release.Free(addresses.AsSpan(8, 510));
    }
}
