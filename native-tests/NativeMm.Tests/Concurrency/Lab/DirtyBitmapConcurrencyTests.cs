using NativeMm.Frames;
using NativeMm.Lab.Baselines.Reporting;
using NativeMm.Primitives;
using NativeMm.Tests.Support;
using NativeMm.Tests.Unit.Frames;
using Xunit;

namespace NativeMm.Tests.Concurrency.Lab;

/// <summary>While others take and free, the bitmap forgets no block for good, and a block under report belongs to nobody else.</summary>
public sealed class DirtyBitmapConcurrencyTests
{
    private const uint Megabytes = 8;
    private const int Workers = 2;
    private const int Operations = 20_000;
    private static readonly Order s_order = new(4);

    private readonly int[] _holders = new int[(Megabytes << 20) >> 16];
    private readonly int[] _owed = new int[(Megabytes << 20) >> 16];

    [Fact]
    public void Every_free_is_reported_or_followed_by_another_one()
    {
        DirtyBitmapFrames? bitmap = null;
        using var fixture = new FrameFixture(
            zone => [bitmap = new DirtyBitmapFrames(new BuddyFrameAllocator(zone, perCorePages: false), s_order)], Megabytes);
        StartGate.RunBeside(Workers, worker => Work(bitmap!, new Random(worker)), 1, (_, goesOn) =>
        {
            while (goesOn())
            {
                Walk(bitmap!);
            }
        });

        Walk(bitmap!);
        Assert.Equal(0, _owed.Sum());
        Assert.Equal(0UL, bitmap!.GetStatistics().AllocatedFrames);
    }

    private void Work(DirtyBitmapFrames bitmap, Random random)
    {
        var held = new Queue<(Pfn Frame, Order Order)>();
        for (int i = 0; i < Operations; i++)
        {
            var order = new Order(random.Next(4, 8));
            if (bitmap.TryAllocate(order, FrameFlags.NoReclaim, out Pfn frame, out _))
            {
                Hold(frame, order, 1);
                held.Enqueue((frame, order));
            }

            while (held.Count > random.Next(12))
            {
                Free(bitmap, held.Dequeue());
            }
        }

        while (held.Count != 0)
        {
            Free(bitmap, held.Dequeue());
        }
    }

    private void Free(DirtyBitmapFrames bitmap, (Pfn Frame, Order Order) block)
    {
        for (uint at = 0; at < block.Order.Frames; at += s_order.Frames)
        {
            Volatile.Write(ref _owed[(block.Frame.Value + at) / s_order.Frames], 1);
        }

        Hold(block.Frame, block.Order, -1);
        bitmap.Free(block.Frame, block.Order);
    }

    private void Walk(DirtyBitmapFrames bitmap)
    {
        Span<FrameRange> ranges = stackalloc FrameRange[32];
        bitmap.Begin(s_order, s_order, restart: true);
        while (!bitmap.IsAtEnd)
        {
            Span<FrameRange> found = ranges[..bitmap.Isolate(ranges, ulong.MaxValue)];
            foreach (FrameRange range in found)
            {
                Hold(range.Frame, range.Order, 1);
                Volatile.Write(ref _owed[range.Frame.Value / s_order.Frames], 0);
            }

            Thread.Yield();
            foreach (FrameRange range in found)
            {
                Hold(range.Frame, range.Order, -1);
            }

            bitmap.PutBack(found, FrameContent.Reported);
        }
    }

    private void Hold(Pfn frame, Order order, int change)
    {
        for (uint at = 0; at < order.Frames; at += s_order.Frames)
        {
            int holders = Interlocked.Add(ref _holders[(frame.Value + at) / s_order.Frames], change);
            Assert.True(holders == (change + 1) / 2, $"The block at frame {frame.Value + at} has {holders} holders.");
        }
    }
}
