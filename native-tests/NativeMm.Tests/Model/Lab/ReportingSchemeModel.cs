using NativeMm.Frames;
using NativeMm.Primitives;
using NativeMm.Reporting;
using Xunit;

namespace NativeMm.Tests.Model.Lab;

/// <summary>
/// The naive model of a scheme that finds blocks to report: an array that says of each frame whether it is taken, and another that says
/// whether its content came back since it was last reported.
/// </summary>
/// <param name="scheme">The scheme, over an allocator that nobody used yet.</param>
/// <param name="order">Size of the smallest block that is reported.</param>
/// <param name="marksBlocks">
/// Whether the mark belongs to a free block as a whole, so that merging with unreported memory takes it away; otherwise to each piece of that order.
/// </param>
internal sealed class ReportingSchemeModel(IReportableFrames scheme, Order order, bool marksBlocks)
{
    private readonly bool[] _taken = new bool[scheme.Frames.Zone.FrameCount];
    private readonly bool[] _dirty = new bool[scheme.Frames.Zone.FrameCount];
    private readonly List<(Pfn Frame, Order Order)> _live = [];
    private readonly List<string> _history = [];

    /// <summary>What was done, to be read beside a failure.</summary>
    public string History => string.Join(Environment.NewLine, _history);

    /// <summary>Frames that were reported so far.</summary>
    public long Reported { get; private set; }

    /// <summary>Does one operation.</summary>
    public void Step(Random random)
    {
        int kind = random.Next(100);
        if (kind < 50)
        {
            Allocate(new Order(random.Next(3) == 0 ? random.Next(Order.Count) : random.Next(5)));
        }
        else if (kind < 95)
        {
            Free(random);
        }
        else
        {
            Report(random, refusedCall: random.Next(3) == 0 ? random.Next(1, 4) : 0);
        }
    }

    /// <summary>Frees everything, reports everything, and finds nothing after that.</summary>
    public void Finish(Random random)
    {
        while (_live.Count != 0)
        {
            Free(random);
        }

        Report(random, refusedCall: 0);
        long before = Reported;
        Report(random, refusedCall: 0);
        Assert.Equal(before, Reported);
        scheme.Frames.Validate();
    }

    private void Allocate(Order size)
    {
        if (scheme.Frames.TryAllocate(size, FrameFlags.NoReclaim, out Pfn frame, out _))
        {
            _history.Add($"allocate {size}: {frame}");
            Take(frame, size);
            _live.Add((frame, size));
        }
    }

    private void Free(Random random)
    {
        if (_live.Count != 0)
        {
            int at = random.Next(_live.Count);
            (Pfn frame, Order size) = _live[at];
            _live[at] = _live[^1];
            _live.RemoveAt(_live.Count - 1);
            _history.Add($"free {frame} {size}");
            scheme.Frames.Free(frame, size);
            Give(frame, size, dirty: true);
        }
    }

    /// <summary>One walk.</summary>
    /// <param name="random">Says how much each call may take.</param>
    /// <param name="refusedCall">The call that the device refuses, which ends the walk; 0 for none.</param>
    private void Report(Random random, int refusedCall)
    {
        Span<FrameRange> ranges = stackalloc FrameRange[PageReporter.Capacity];
        scheme.Begin(order, order, restart: true);
        _history.Add($"begin, refuse {refusedCall}");
        for (int call = 1; !scheme.IsAtEnd; call++)
        {
            ulong most = random.Next(4) == 0 ? Order.Max.Frames * 2 : ulong.MaxValue;
            Span<FrameRange> found = ranges[..scheme.Isolate(ranges, most)];
            _history.Add($"isolate: {string.Join(' ', found.ToArray().Select(r => $"{r.Frame}/{r.Order}"))}");
            foreach (FrameRange range in found)
            {
                AssertExpected(range);
                Take(range.Frame, range.Order);
            }

            bool refused = call == refusedCall;
            scheme.PutBack(found, refused ? FrameContent.Unknown : FrameContent.Reported);
            foreach (FrameRange range in found)
            {
                Give(range.Frame, range.Order, refused);
                Reported += refused ? 0 : range.Order.Frames;
            }

            if (refused)
            {
                return;
            }
        }

        AssertNothingIsLeft();
    }

    private void AssertExpected(FrameRange range)
    {
        Assert.True(range.Order >= order, $"{range.Frame} has order {range.Order}.");
        Assert.Equal(scheme.Frames.Zone.BaseAddress + range.Frame.Offset, range.Address);
        for (uint frame = range.Frame.Value; frame < range.Frame.Value + range.Order.Frames; frame++)
        {
            Assert.False(_taken[frame], $"Frame {frame} is reported and is not free.");
            Assert.True(_dirty[frame], $"Frame {frame} is reported a second time, or was never used.");
        }
    }

    private void AssertNothingIsLeft()
    {
        int size = (int)order.Frames;
        for (int frame = 0; frame < _taken.Length; frame += size)
        {
            bool isFree = !_taken.AsSpan(frame, size).Contains(true);
            Assert.False(isFree && _dirty.AsSpan(frame, size).Contains(true), $"The block at frame {frame} is free and was not reported.");
        }
    }

    private void Take(Pfn frame, Order size)
    {
        Assert.False(_taken.AsSpan((int)frame.Value, (int)size.Frames).Contains(true), $"The block at frame {frame} is not free.");
        _taken.AsSpan((int)frame.Value, (int)size.Frames).Fill(true);
    }

    private void Give(Pfn frame, Order size, bool dirty)
    {
        _taken.AsSpan((int)frame.Value, (int)size.Frames).Clear();
        _dirty.AsSpan((int)frame.Value, (int)size.Frames).Fill(dirty);

        // The mark of a whole, free or not, is the weakest of its parts; that of a block that merges, the weakest of the blocks.
        for (int merged = 0; merged <= (marksBlocks ? Order.MaxValue : order.Value); merged++)
        {
            var whole = new Range((int)(frame.Value & ~((1u << merged) - 1)), (int)((frame.Value & ~((1u << merged) - 1)) + (1u << merged)));
            if (!_taken.AsSpan(whole).Contains(true) && _dirty.AsSpan(whole).Contains(true))
            {
                _dirty.AsSpan(whole).Fill(true);
            }
        }
    }
}
