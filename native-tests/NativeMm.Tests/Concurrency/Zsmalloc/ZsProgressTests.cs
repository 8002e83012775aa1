using NativeMm.Primitives;
using NativeMm.Tests.Support;
using NativeMm.Tests.Unit.Frames;
using NativeMm.Tests.Unit.Zsmalloc;
using NativeMm.Zsmalloc;
using Xunit;
using Allocator = NativeMm.Zsmalloc.ZsAllocator<
    NativeMm.Zsmalloc.PerClassLocking, NativeMm.Primitives.NoLockStatistics, NativeMm.Tests.Concurrency.Zsmalloc.ZsIntruder>;

namespace NativeMm.Tests.Concurrency.Zsmalloc;

/// <summary>What happens while a compactor stands still between two objects: whoever needs what he is at waits for him, and nothing is refused or lost.</summary>
public sealed class ZsProgressTests : IDisposable
{
    private const int Bytes = 200;
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(30);

    private readonly FrameFixture _frames = new(FrameVariant.LockFree, 4);
    private readonly Allocator _allocator;
    private readonly List<ZsHandle> _live = [];

    public ZsProgressTests() =>
        _allocator = new Allocator(_frames.Allocator, new ZsPoolOptions { AutoCompact = false, Stripes = 1, MaxCompactors = 1 });

    [Fact]
    public void An_allocation_without_frames_waits_for_what_another_compactor_frees()
    {
        FillAndThin();
        bool got = false;
        BesideACompactor(() => got = _allocator.TryAlloc(4096, out _));
        Assert.True(got, "Half of the pool can be freed, and the allocation was refused.");
        _allocator.Validate();
    }

    [Fact]
    public void An_allocation_takes_room_that_a_compactor_has_off_the_lists()
    {
        // One zspage of free slots in all: nothing that a compaction frees, and all of it in the hands of the compactor while he tries.
        Fill();
        ZsClassStatistics row = _allocator.GetClassStatistics().Single(row => row.Zspages != 0);
        for (int i = 0; i <= row.ObjectsPerZspage; i++)
        {
            Free(i * row.ObjectsPerZspage);
        }

        bool got = false;
        BesideACompactor(() =>
        {
            while (_allocator.TryAlloc(Bytes, out ZsHandle handle))
            {
                _live.Add(handle);
                got = true;
            }
        });
        Assert.True(got, "There are free slots, and the allocation was refused.");
        Assert.Equal(0, _allocator.GetClassStatistics().Sum(now => now.ObjectsAllocated - now.ObjectsUsed));
        _allocator.Validate();
    }

    [Fact]
    public void A_second_compactor_returns_when_the_work_of_the_first_is_done()
    {
        FillAndThin();
        long freeable = -1;
        BesideACompactor(() =>
        {
            _allocator.Compact();
            freeable = _allocator.GetClassStatistics().Sum(row => row.FreeableFrames);
        });
        Assert.Equal(0, freeable);
    }

    [Fact]
    public void A_validation_waits_for_a_compactor()
    {
        FillAndThin();
        BesideACompactor(_allocator.Validate);
    }

    [Fact]
    public void Rest_keeps_compactors_away_until_it_ends()
    {
        FillAndThin();
        long frames = _allocator.TotalFrames;
        var compactor = new Thread(() => _allocator.Compact());
        using (new ZsRest(_allocator))
        {
            using var second = new ZsRest(_allocator);
            compactor.Start();
            AwaitWaitingOrEnd(compactor);
            Assert.Equal(frames, _allocator.TotalFrames);
        }

        Assert.True(compactor.Join(s_timeout), "It still waits.");
        Assert.True(_allocator.TotalFrames < frames);
    }

    [Fact]
    public void Who_rests_again_at_once_lets_those_in_who_waited_for_the_end_of_the_first_rest()
    {
        FillAndThin();
        long frames = _allocator.TotalFrames;
        var compactor = new Thread(() => _allocator.Compact());
        using (new ZsRest(_allocator))
        {
            compactor.Start();
            AwaitWaitingOrEnd(compactor);
            Assert.False(_allocator.IsLeased());
        }

        using (new ZsRest(_allocator))
        {
            Assert.True(_allocator.TotalFrames < frames, "The compactor waits for a check that is made again and again.");
        }

        Assert.True(compactor.Join(s_timeout), "It still waits.");
    }

    [Fact]
    public void A_pin_that_comes_while_the_last_object_moves_and_goes_late_does_not_keep_the_zspage()
    {
        // Two zspages: a full one but for one slot, and one of a single object.
        _live.Add(Store(0));
        int objects = _allocator.GetClassStatistics().Single(row => row.Zspages != 0).ObjectsPerZspage;
        while (_live.Count <= objects)
        {
            _live.Add(Store(_live.Count));
        }

        Free(0);
        ZsHandle moving = _live[^1];
        long perZspage = _allocator.TotalFrames / 2;
        using var gate = new Rendezvous(s_timeout);
        Exception? problem = null;
        var reader = new Thread(() =>
        {
            ZsIntruder.Enter(Allocator.PausePinRefused, gate.Wait);
            problem = Record.Exception(() => AssertHolds(moving, objects));
        });
        ZsIntruder.Enter(Allocator.PauseCopied, () =>
        {
            reader.Start();
            gate.AwaitArrival();
        });
        _allocator.Compact();
        Assert.True(ZsIntruder.Leave(), "The window was not reached.");
        Assert.Equal(2 * perZspage, _allocator.TotalFrames);
        gate.Release();
        Assert.True(reader.Join(s_timeout), "It still waits.");
        Assert.Null(problem);
        Assert.Equal(perZspage, _allocator.TotalFrames);
        _allocator.Validate();
    }

    [Fact]
    public void Compaction_ends_although_others_make_new_work_all_the_time()
    {
        const int Enough = 200_000;
        for (int i = 0; i < 2000; i++)
        {
            _live.Add(Store(i));
        }

        Thin();
        int reached = 0;
        var random = new Random(1);
        ZsIntruder.Enter(Allocator.PauseBetweenObjects, MakeWork);
        _allocator.Compact();
        Assert.InRange(reached, 1, Enough - 1);
        _allocator.Validate();

        void MakeWork()
        {
            if (++reached < Enough)
            {
                // As many new zspages of one object as the compactor could ever wish for.
                ZsIntruder.Enter(Allocator.PauseBetweenObjects, MakeWork);
                for (int i = 0; i < 4; i++)
                {
                    int at = random.Next(_live.Count);
                    if (_live[at] == default)
                    {
                        _live[at] = Store(at);
                    }
                    else
                    {
                        Free(at);
                    }
                }
            }
        }
    }

    public void Dispose()
    {
        ZsIntruder.Leave();
        _allocator.Release();
        Assert.Equal(0u, _frames.Allocator.GetStatistics().AllocatedFrames);
        _frames.Dispose();
    }

    /// <summary>Does something on another thread while this one compacts and stands still between two objects; lets it go on when the other one waits.</summary>
    private void BesideACompactor(Action action)
    {
        Exception? problem = null;
        var other = new Thread(() => problem = Record.Exception(action));
        ZsIntruder.Enter(Allocator.PauseBetweenObjects, () =>
        {
            other.Start();
            AwaitWaitingOrEnd(other);
        });
        _allocator.Compact();
        Assert.True(ZsIntruder.Leave(), "The window was not reached.");
        Assert.True(other.Join(s_timeout), "It still waits.");
        Assert.Null(problem);
    }

    private static void AwaitWaitingOrEnd(Thread thread) =>
        Assert.True(SpinWait.SpinUntil(() => (thread.ThreadState & (ThreadState.WaitSleepJoin | ThreadState.Stopped)) != 0, s_timeout));

    private void FillAndThin()
    {
        Fill();
        Thin();
    }

    private void Fill()
    {
        while (_allocator.TryAlloc(Bytes, out ZsHandle handle))
        {
            _live.Add(handle);
        }
    }

    private void Thin()
    {
        for (int i = 0; i < _live.Count; i += 2)
        {
            Free(i);
        }
    }

    private void Free(int at)
    {
        _allocator.Free(_live[at]);
        _live[at] = default;
    }

    private ZsHandle Store(int seed)
    {
        Assert.True(_allocator.TryAlloc(Bytes, out ZsHandle handle));
        _allocator.Write(handle, ZsFixture.Content(Bytes, seed), 0);
        return handle;
    }

    private void AssertHolds(ZsHandle handle, int seed)
    {
        using ZsReadLease lease = _allocator.OpenRead(handle, new byte[Bytes]);
        Assert.True(lease.Data.SequenceEqual(ZsFixture.Content(Bytes, seed)), "The object has changed.");
    }
}
