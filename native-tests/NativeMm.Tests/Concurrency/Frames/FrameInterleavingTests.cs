using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Tests.Unit.Frames;
using Xunit;

namespace NativeMm.Tests.Concurrency.Frames;

/// <summary>
/// Windows of the lock-free allocator, one by one: a thread is held between two of its steps, and everything that another thread can do is
/// done there, on the same thread, so that each case is exactly repeatable.
/// </summary>
public sealed unsafe class FrameInterleavingTests
{
    public static TheoryData<string, string> TakeWindows
    {
        get
        {
            TheoryData<string, string> data = [];
            string[] windows =
                [LockFreeFrameAllocator.PauseFound, LockFreeFrameAllocator.PauseCounted, LockFreeFrameAllocator.PauseClaimed];
            foreach (string window in windows)
            {
                foreach (string intruder in new[] { "use", "use and report", "report", "hold", "claim whole", "fill" })
                {
                    data.Add(window, intruder);
                }
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(TakeWindows))]
    public void Whatever_happens_while_a_frame_is_taken_it_is_alone_and_zero_if_promised(string window, string intruder)
    {
        using var fixture = new FrameFixture(FrameVariant.LockFreeOneCore, 2);
        var allocator = (LockFreeFrameAllocator)fixture.Allocator;

        // The child is in use, so that its tree is behind the frontier, and frame 16 on is an untouched granule.
        Pfn first = fixture.Allocate(4);
        List<(Pfn Frame, int Order)> held = [];
        int reached = 0;
        Intruder.Enter(window, () =>
        {
            reached++;
            Intrude(fixture, intruder, held);
        });

        bool found;
        uint frame;
        bool knownZero;
        try
        {
            found = allocator.TryTakeFromChild<Intruder>(0, FrameRun.Block(0), touchedOnly: false, out frame, out knownZero);
        }
        finally
        {
            Intruder.Leave();
        }

        Assert.Equal(1, reached);
        allocator.Validate();
        if (found)
        {
            Assert.DoesNotContain(held, block => frame - block.Frame.Value < 1u << block.Order);
            Assert.False(frame - first.Value < 16);
            Assert.True(!knownZero || *fixture.WordOf(new Pfn(frame)) == 0, $"Frame {frame} was promised to be zero and is not.");
            allocator.Free(new Pfn(frame), Order.Zero);
        }
        else
        {
            // Only a child that the intruder emptied may refuse.
            Assert.Equal("fill", intruder);
        }

        held.ForEach(block => allocator.Free(block.Frame, new Order(block.Order)));
        allocator.Free(first, new Order(4));
        allocator.Validate();
        Assert.Equal(512u, allocator.GetStatistics().FreeFrames);
    }

    [Theory]
    [InlineData("use")]
    [InlineData("use and report")]
    [InlineData("report")]
    [InlineData("claim whole")]
    [InlineData("fill")]
    public void Whatever_happens_while_a_frame_is_freed_nobody_gets_the_child_too_early(string intruder)
    {
        using var fixture = new FrameFixture(FrameVariant.LockFreeOneCore, 2);
        var allocator = (LockFreeFrameAllocator)fixture.Allocator;
        Pfn frame = fixture.Allocate(0);
        List<(Pfn Frame, int Order)> held = [];
        int reached = 0;
        Intruder.Enter(LockFreeFrameAllocator.PauseReleased, () =>
        {
            reached++;
            Assert.False(allocator.TryAllocate(Order.Huge, FrameFlags.NoReclaim, out _, out _), "A frame of the child is not counted back yet.");
            Intrude(fixture, intruder, held);
        });
        try
        {
            allocator.Free<Intruder>(frame, Order.Zero);
        }
        finally
        {
            Intruder.Leave();
        }

        Assert.Equal(1, reached);
        allocator.Validate();
        held.ForEach(block => allocator.Free(block.Frame, new Order(block.Order)));
        allocator.Free(fixture.Allocate(9), Order.Huge);
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(0, false)]
    [InlineData(4, true)]
    [InlineData(4, false)]
    public void A_block_that_is_isolated_while_it_is_being_freed_was_freed_only_once(int order, bool comesBack)
    {
        using var fixture = new FrameFixture(FrameVariant.LockFreeOneCore, 2);
        var allocator = (LockFreeFrameAllocator)fixture.Allocator;
        Pfn frame = fixture.Allocate(order);
        fixture.FreeAll(new[] { fixture.Allocate(4), fixture.Allocate(4) }, 4);
        var blocks = new Pfn[32];
        int count = 0;
        Intruder.Enter(LockFreeFrameAllocator.PauseReleased, () =>
        {
            // The bits of the block are clear, so a reporter may have it, although it is not counted back.
            uint cursor = 0;
            count = allocator.Isolate(new Order(order), blocks, ref cursor);
            Assert.Contains(frame, blocks.Take(count));
            if (comesBack)
            {
                // This one comes back; the others stay, so that the free takes the slow path.
                allocator.PutBack([frame], new Order(order), FrameContent.Reported);
                blocks = [.. blocks.Take(count).Where(block => block != frame)];
                count--;
            }
        });
        try
        {
            allocator.Free<Intruder>(frame, new Order(order));
        }
        finally
        {
            Intruder.Leave();
        }

        Assert.NotEqual(0, count);
        allocator.Validate();
        Assert.Equal((ulong)(count << order), allocator.GetStatistics().IsolatedFrames);
        allocator.PutBack(blocks.AsSpan(0, count), new Order(order), FrameContent.Unknown);
        Assert.Equal(512u, allocator.GetStatistics().FreeFrames);
    }

    [Theory]
    [InlineData("use")]
    [InlineData("use and report")]
    [InlineData("report")]
    [InlineData("claim whole")]
    [InlineData("fill")]
    [InlineData("free as one")]
    [InlineData("free a frame")]
    [InlineData("split again")]
    public void Whatever_happens_while_a_block_is_split_all_of_it_stays_its_owners(string intruder)
    {
        using var fixture = new FrameFixture(FrameVariant.LockFreeOneCore, 2);
        var allocator = (LockFreeFrameAllocator)fixture.Allocator;
        Pfn block = fixture.Allocate(9);
        List<(Pfn Frame, int Order)> held = [];
        int reached = 0;
        Intruder.Enter(LockFreeFrameAllocator.PauseSplit, () =>
        {
            reached++;
            switch (intruder)
            {
                case "free as one":
                    Assert.Throws<MemoryFaultException>(() => allocator.Free(block, Order.Huge));
                    break;
                case "free a frame":
                    Assert.Throws<MemoryFaultException>(() => allocator.Free(new Pfn(block.Value + 3), Order.Zero));
                    break;
                case "split again":
                    Assert.Throws<MemoryFaultException>(() => ((IFrameSource)allocator).Split(block));
                    break;
                default:
                    Intrude(fixture, intruder, held);
                    break;
            }
        });
        try
        {
            allocator.Split<Intruder>(block);
        }
        finally
        {
            Intruder.Leave();
        }

        Assert.Equal((1, 0), (reached, held.Count));
        allocator.Validate();
        Assert.Equal(512u, allocator.GetStatistics().AllocatedFrames);
        fixture.FreeAll(Enumerable.Range(0, 512).Select(frame => new Pfn((uint)frame)), 0);
        allocator.Free(fixture.Allocate(9), Order.Huge);
    }

    private static void Intrude(FrameFixture fixture, string what, List<(Pfn Frame, int Order)> held)
    {
        IFrameAllocator allocator = fixture.Allocator;
        switch (what)
        {
            case "use" or "use and report":
                // Uses more than one granule, so that the frame that the other one is after is among them.
                var frames = new Pfn[40];
                int count = allocator.AllocateBulk(Order.Zero, FrameFlags.None, frames);
                foreach (Pfn frame in frames.AsSpan(0, count))
                {
                    *fixture.WordOf(frame) = 0xBAD;
                }

                allocator.FreeBulk(frames.AsSpan(0, count), Order.Zero);
                if (what == "use and report")
                {
                    Report(fixture);
                }

                break;
            case "report":
                Report(fixture);
                break;
            case "hold":
                held.Add((fixture.Allocate(0), 0));
                held.Add((fixture.Allocate(3), 3));
                break;
            case "claim whole":
                Assert.False(allocator.TryAllocate(Order.Huge, FrameFlags.NoReclaim, out _, out _), "The child is in use.");
                break;
            default:
                held.AddRange(fixture.AllocateAll(0).Select(frame => (frame, 0)));
                break;
        }
    }

    private static void Report(FrameFixture fixture)
    {
        var blocks = new Pfn[32];
        uint cursor = 0;
        int count = fixture.Allocator.Isolate(new Order(4), blocks, ref cursor);
        foreach (Pfn block in blocks.AsSpan(0, count))
        {
            fixture.Platform.Discard((nuint)fixture.WordOf(block), new Order(4).Bytes, DiscardMode.Now);
        }

        fixture.Allocator.PutBack(blocks.AsSpan(0, count), new Order(4), FrameContent.ReportedZero);
    }

    /// <summary>Runs an action the first time that this thread reaches a window.</summary>
    private readonly struct Intruder : IPausePoint
    {
        [ThreadStatic]
        private static string? t_window;

        [ThreadStatic]
        private static Action? t_action;

        public static void Enter(string window, Action action)
        {
            t_window = window;
            t_action = action;
        }

        public static void Leave() => t_action = null;

        public static void Reach(string name)
        {
            Action? action = t_action;
            if (name == t_window && action != null)
            {
                t_action = null;
                action();
            }
        }
    }
}
