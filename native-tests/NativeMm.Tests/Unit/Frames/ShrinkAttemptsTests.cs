using NativeMm.Frames;
using NativeMm.Primitives;
using Xunit;

namespace NativeMm.Tests.Unit.Frames;

/// <summary>How often and how long an allocation that is about to fail asks for memory.</summary>
public sealed class ShrinkAttemptsTests
{
    public static TheoryData<FrameVariant> Variants => FrameVariants.All;

    [Fact]
    public void Nothing_isolated_is_one_attempt()
    {
        var attempts = new ShrinkAttempts(ListOf(_ => { }), 1);
        Assert.True(attempts.Next(default));
        Assert.False(attempts.Next(default));
    }

    [Fact]
    public void A_wish_of_no_frames_comes_to_an_end_too()
    {
        int asked = 0;
        var attempts = new ShrinkAttempts(ListOf(_ => asked++), 0);
        Assert.True(attempts.Next(default));
        Assert.False(attempts.Next(default));
        Assert.Equal(1, asked);
    }

    [Fact]
    public void Nobody_to_ask_is_none() => Assert.False(new ShrinkAttempts(new ShrinkerList(), 1).Next(new IsolationMark(1, IsAnyOut: true)));

    [Fact]
    public void Blocks_that_are_out_or_came_back_are_worth_another_attempt_up_to_a_limit()
    {
        var attempts = new ShrinkAttempts(ListOf(_ => { }), 1);
        Assert.True(attempts.Next(new IsolationMark(1, IsAnyOut: false)));
        Assert.True(attempts.Next(new IsolationMark(2, IsAnyOut: false)));
        Assert.False(attempts.Next(new IsolationMark(2, IsAnyOut: false)));
        for (int i = 2; i < ShrinkAttempts.Max; i++)
        {
            Assert.True(attempts.Next(new IsolationMark(2, IsAnyOut: true)));
        }

        Assert.False(attempts.Next(new IsolationMark(2, IsAnyOut: true)));
    }

    [Fact]
    public void Enough_frames_that_do_not_lie_together_are_one_attempt_and_the_next_ask_the_others()
    {
        List<string> asked = [];
        var list = new ShrinkerList();
        list.Add(new Giver(() => { asked.Add("a"); return asked.Count == 1 ? 2u : 0; }));
        list.Add(new Giver(() => { asked.Add("b"); return 0; }));
        list.Add(new Giver(() => { asked.Add("c"); return 0; }));
        var attempts = new ShrinkAttempts(list, 2);
        Assert.True(attempts.Next(default));
        Assert.Equal(["a"], asked);
        Assert.True(attempts.Next(default));
        Assert.Equal(["a", "b", "c"], asked);

        // The round brought something, so another follows; that one brings nothing.
        Assert.True(attempts.Next(default));
        Assert.Equal(["a", "b", "c", "a", "b", "c"], asked);
        Assert.False(attempts.Next(default));
    }

    [Fact]
    public void Rounds_that_bring_something_have_a_limit_too()
    {
        var list = new ShrinkerList();
        list.Add(new Giver(() => 1));
        var attempts = new ShrinkAttempts(list, 1);
        for (int i = 0; i < ShrinkAttempts.RoundsMax; i++)
        {
            Assert.True(attempts.Next(default));
        }

        Assert.False(attempts.Next(default));
    }

    [Fact]
    public void All_attempts_have_one_deadline_and_none_follows_it()
    {
        List<long> deadlines = [];
        ShrinkerList list = ListOf(deadlines.Add);
        list.Patience = TimeSpan.FromHours(1);
        var attempts = new ShrinkAttempts(list, 1);
        Assert.True(attempts.Next(default));
        Assert.True(attempts.Next(new IsolationMark(0, IsAnyOut: true)));
        Assert.Single(deadlines.Distinct());

        list.Patience = TimeSpan.Zero;
        attempts = new ShrinkAttempts(list, 1);
        Assert.True(attempts.Next(default));
        Assert.False(attempts.Next(new IsolationMark(0, IsAnyOut: true)));
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void An_allocation_that_needs_what_stays_isolated_waits_for_its_patience_once(FrameVariant variant)
    {
        using var fixture = new FrameFixture(variant, 4);
        fixture.Allocator.Free(fixture.Allocate(10), Order.Max);
        Assert.NotEmpty(FrameIsolationTests.IsolateAll(fixture, 10));
        int asked = 0;
        fixture.Allocator.AddShrinker(new Patient(deadline =>
        {
            // The first one has waited in vain for as long as it may.
            asked++;
            Assert.True(SpinWait.SpinUntil(() => Environment.TickCount64 >= deadline, TimeSpan.FromSeconds(30)));
        }));
        ShrinkersOf(fixture.Allocator).Patience = TimeSpan.FromMilliseconds(50);

        Assert.False(fixture.Allocator.TryAllocate(Order.Huge, FrameFlags.None, out _, out _));

        Assert.Equal(1, asked);
        fixture.Allocator.PutBack([new Pfn(0)], Order.Max, FrameContent.Unknown);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void An_allocation_tries_again_for_as_long_as_blocks_come_and_go(FrameVariant variant)
    {
        using var fixture = new FrameFixture(variant, 4);
        fixture.Allocator.Free(fixture.Allocate(10), Order.Max);
        Assert.NotEmpty(FrameIsolationTests.IsolateAll(fixture, 10));
        int asked = 0;
        fixture.Allocator.AddShrinker(new Patient(_ =>
        {
            if (++asked == 5)
            {
                fixture.Allocator.PutBack([new Pfn(0)], Order.Max, FrameContent.Unknown);
            }
        }));

        Assert.True(fixture.Allocator.TryAllocate(Order.Max, FrameFlags.None, out Pfn frame, out _));

        Assert.Equal(5, asked);
        fixture.Allocator.Free(frame, Order.Max);
    }

    private static ShrinkerList ShrinkersOf(IFrameAllocator allocator) => allocator switch
    {
        LockFreeFrameAllocator frames => frames.Shrinkers,
        BuddyFrameAllocator frames => frames.Shrinkers,
        CachedFrameAllocator frames => frames.Shrinkers,
        _ => throw new ArgumentOutOfRangeException(nameof(allocator)),
    };

    private static ShrinkerList ListOf(Action<long> shrink)
    {
        var list = new ShrinkerList();
        list.Add(new Patient(shrink));
        return list;
    }

    private sealed class Giver(Func<ulong> shrink) : IShrinker
    {
        public ulong Shrink(ulong framesWanted) => shrink();
    }

    private sealed class Patient(Action<long> shrink) : IPatientShrinker
    {
        public ulong Shrink(ulong framesWanted) => throw new NotSupportedException("It is asked with a deadline.");

        public ulong Shrink(ulong framesWanted, long deadline)
        {
            shrink(deadline);
            return 0;
        }
    }
}
