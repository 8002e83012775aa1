using NativeMm.Frames;
using NativeMm.Primitives;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Frames;

/// <summary>What the stacks of threads promise beside the contract that all frame allocators share.</summary>
public sealed class CachedFrameTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Frames_on_their_way_into_another_stack_are_not_out_of_memory(bool inBulk)
    {
        using var fixture = new FrameFixture(FrameVariant.LockFreeOneCore, 2);
        var parked = new ParkedFrames(fixture.Allocator);
        using var cached = new CachedFrameAllocator(parked);

        // What is left is one batch: the thread that refills takes it whole.
        var rest = new Pfn[512 - FrameStack.Batch];
        Assert.Equal(rest.Length, cached.AllocateBulk(Order.Zero, FrameFlags.None, rest));
        using var refill = new Rendezvous(s_patience);
        Pfn first = Pfn.None;
        parked.Taken = refill.Wait;
        var refilling = new Thread(() => cached.TryAllocate(Order.Zero, FrameFlags.None, out first, out _));
        refilling.Start();
        refill.AwaitArrival();
        parked.Taken = null;

        // The other one has looked everywhere once when the frames arrive.
        int refusals = 0;
        void Release()
        {
            if (++refusals == 2)
            {
                refill.Release();
            }
        }

        parked.Refused = Release;
        parked.Taken = inBulk ? Release : null;
        var second = new Pfn[1];
        bool found = inBulk
            ? cached.AllocateBulk(Order.Zero, FrameFlags.None, second) == 1
            : cached.TryAllocate(Order.Zero, FrameFlags.None, out second[0], out _);
        parked.Refused = null;
        parked.Taken = null;
        refill.Release();
        Assert.True(refilling.Join(s_patience));
        Assert.True(found, $"{FrameStack.Batch - 1} frames were nobody's, and an allocation failed.");
        cached.Free(first, Order.Zero);
        cached.FreeBulk([.. rest, .. second], Order.Zero);
    }

    [Fact]
    public void Draining_needs_no_managed_memory()
    {
        using var fixture = new FrameFixture(FrameVariant.LockFreeCached, 2);
        var frames = new Pfn[100];
        Drain();
        Drain();
        ulong moved = 0;
        Assert.Equal(0, ManagedBytes.Least(() => moved = Drain()));
        Assert.True(moved >= 100);

        ulong Drain()
        {
            for (int i = 0; i < frames.Length; i++)
            {
                fixture.Allocator.TryAllocate(Order.Zero, FrameFlags.None, out frames[i], out _);
            }

            foreach (Pfn frame in frames)
            {
                fixture.Allocator.Free(frame, Order.Zero);
            }

            return fixture.Allocator.Drain();
        }
    }

    [Fact]
    public void A_thread_that_only_frees_needs_no_managed_memory()
    {
        using var fixture = new FrameFixture(FrameVariant.LockFreeCached, 2);
        Pfn[] frames = [fixture.Allocate(0), fixture.Allocate(0)];
        long allocated = -1;
        var thread = new Thread(() =>
        {
            // The first free pays for what the runtime itself needs of a new thread.
            fixture.Allocator.Free(frames[0], Order.Zero);
            long before = GC.GetAllocatedBytesForCurrentThread();
            fixture.Allocator.Free(frames[1], Order.Zero);
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        });
        thread.Start();
        Assert.True(thread.Join(s_patience));
        Assert.Equal(0, allocated);

    }
}
