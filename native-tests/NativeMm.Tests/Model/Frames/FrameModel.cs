using NativeMm.Frames;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Tests.Unit.Frames;
using Xunit;

namespace NativeMm.Tests.Model.Frames;

/// <summary>
/// The naive model: an array that says for each frame which block it belongs to. An allocator under test runs beside it; every frame that it
/// hands out is stamped in memory, so that overlaps and false promises of zero show.
/// </summary>
internal sealed unsafe class FrameModel(FrameFixture fixture)
{
    private static readonly int[] s_isolated = [3, 4, 7, 9, 10];

    private readonly int[] _owner = new int[fixture.Zone.FrameCount];
    private readonly List<(Pfn Frame, uint Frames, int Id)> _live = [];
    private readonly List<(Pfn Frame, int Order)> _isolated = [];
    private readonly List<string> _history = [];
    private (Pfn Frame, uint Frames) _lastFreed = (Pfn.None, 1);
    private int _lastId;
    private uint _cursor;

    /// <summary>What was done, to be read beside a failure.</summary>
    public string History => string.Join(Environment.NewLine, _history);

    /// <summary>Does one operation, decoded from a number.</summary>
    public void Step(uint code)
    {
        uint pick = code / 64;
        switch (code % 8)
        {
            case 0 when pick % 2 == 0:
                AllocateExact(1 + (pick / 512 % (pick % 4 == 0 ? 512u : 40u)), (FrameFlags)(pick / 64 % 8) | FrameFlags.NoReclaim);
                break;
            case 0 or 1 or 2:
                Allocate(OrderFrom(pick), (FrameFlags)(pick / 64 % 8) | FrameFlags.NoReclaim);
                break;
            case 3 when pick % 3 == 0:
                AllocateAt(_lastFreed.Frame, _lastFreed.Frames);
                break;
            case 4 when pick % 5 == 0:
                Split((int)(pick % 4096));
                break;
            case 3 or 4:
                Free((int)(pick % 4096));
                break;
            case 5:
                Bulk(OrderFrom(pick), (int)(pick / 64 % 90));
                break;
            case 6:
                Isolate(s_isolated[pick % 5], (int)(pick / 8 % 5));
                break;
            default:
                PutBack((FrameContent)(pick % 3), drain: pick % 7 == 0);
                break;
        }
    }

    /// <summary>Frees everything and checks that everything is free.</summary>
    public void Finish()
    {
        fixture.Allocator.Validate();
        while (_live.Count != 0)
        {
            Free(_live.Count - 1);
        }

        PutBack(FrameContent.Unknown, drain: true);
        FrameStatistics now = fixture.Allocator.GetStatistics();
        Assert.Equal(fixture.Zone.FrameCount, now.FreeFrames);
        Assert.Equal(fixture.Zone.FrameCount / 1024, now.FreeBlocks[10]);
        fixture.Allocator.Validate();
    }

    private static int OrderFrom(uint pick) => (int)(pick % 16 < 8 ? pick % 3 : pick % 11);

    private void Allocate(int order, FrameFlags flags)
    {
        bool found = fixture.Allocator.TryAllocate(new Order(order), flags, out Pfn frame, out bool knownZero);
        _history.Add($"allocate {order} {flags}: {(found ? frame : "none")}{(knownZero ? " zero" : string.Empty)}");
        Assert.Equal(HasFree(order), found);
        if (found)
        {
            Assert.True(knownZero || (flags & FrameFlags.Zeroed) == 0, "Zeroed frames are zero.");
            Take(frame, order, 1u << order, knownZero);
        }
    }

    /// <summary>A buddy needs a whole block and gives its end back; the lock-free one takes any hole that is long enough.</summary>
    private void AllocateExact(uint frames, FrameFlags flags)
    {
        bool found = fixture.Allocator.TryAllocateExact(frames, flags, out Pfn frame, out bool knownZero);
        _history.Add($"allocate {frames} frames {flags}: {(found ? frame : "none")}{(knownZero ? " zero" : string.Empty)}");
        int order = FrameRun.Of(frames).Order;
        Assert.True(found ? HasFree(order, frames) : !HasFree(order, fixture.TakesHoles ? frames : 1u << order));
        if (found)
        {
            Assert.True(knownZero || (flags & FrameFlags.Zeroed) == 0, "Zeroed frames are zero.");
            Take(frame, order, frames, knownZero);
        }
    }

    private void AllocateAt(Pfn place, uint frames)
    {
        if (place != Pfn.None)
        {
            bool isFree = !_owner.AsSpan((int)place.Value, (int)frames).ContainsAnyExcept(0);
            bool found = fixture.Allocator.TryAllocateAt(place, frames, out bool knownZero);
            _history.Add($"allocate {frames} frames at {place}: {found}{(knownZero ? " zero" : string.Empty)}");
            Assert.True(found ? isFree : !isFree || !fixture.KnowsPlaces(frames));
            if (found)
            {
                Take(place, FrameRun.Of(frames).Order, frames, knownZero);
            }
        }
    }

    private void Bulk(int order, int count)
    {
        var frames = new Pfn[count];
        int got = fixture.Allocator.AllocateBulk(new Order(order), FrameFlags.NoReclaim, frames);
        _history.Add($"allocate {count} of {order}: {got}");
        foreach (Pfn frame in frames.AsSpan(0, got))
        {
            Take(frame, order, 1u << order, knownZero: false);
        }

        Assert.True(got == count || !HasFree(order), $"Bulk gave {got} of {count} blocks of order {order}, and there are more.");
        if (got > 2)
        {
            // Every second one goes back in one call.
            List<(Pfn Frame, uint Frames, int Id)> back = [.. _live.TakeLast(got).Where((_, i) => i % 2 == 0)];
            back.ForEach(Forget);
            fixture.Allocator.FreeBulk([.. back.Select(b => b.Frame)], new Order(order));
        }
    }

    private void Free(int pick)
    {
        if (_live.Count != 0)
        {
            (Pfn Frame, uint Frames, int Id) block = _live[pick % _live.Count];
            _history.Add($"free {block.Frame} {block.Frames}");
            Forget(block);
            if (block.Frames > Order.Huge.Frames)
            {
                fixture.Allocator.Free(block.Frame, Order.Max);
            }
            else
            {
                fixture.Allocator.FreeExact(block.Frame, block.Frames);
                _lastFreed = (block.Frame, block.Frames);
            }
        }
    }

    /// <summary>The next block of 2 MiB in the list becomes single frames, which go back one by one.</summary>
    private void Split(int pick)
    {
        int at = _live.Count == 0 ? -1 : _live.FindIndex(pick % _live.Count, block => block.Frames == Order.Huge.Frames);
        if (at >= 0)
        {
            (Pfn Frame, uint Frames, int Id) block = _live[at];
            _history.Add($"split {block.Frame}");
            ((IFrameSource)fixture.Allocator).Split(block.Frame);
            _live[at] = (block.Frame, 1, block.Id);
            for (uint f = 1; f < block.Frames; f++)
            {
                _live.Add((new Pfn(block.Frame.Value + f), 1, block.Id));
            }
        }
    }

    private void Isolate(int order, int count)
    {
        var blocks = new Pfn[count];
        int got = fixture.Allocator.Isolate(new Order(order), blocks, ref _cursor);
        _history.Add($"isolate {count} of {order}: {string.Join(' ', blocks.Take(got))}");
        foreach (Pfn block in blocks.AsSpan(0, got))
        {
            Own(block, order, 1u << order, ++_lastId);
            _isolated.Add((block, order));
        }
    }

    private void PutBack(FrameContent content, bool drain)
    {
        foreach ((Pfn frame, int order) in _isolated)
        {
            _history.Add($"put back {frame} {order} {content}");
            Disown(frame, 1u << order);
            if (content == FrameContent.ReportedZero)
            {
                fixture.Platform.Discard((nuint)fixture.WordOf(frame), new Order(order).Bytes, DiscardMode.Now);
            }

            fixture.Allocator.PutBack([frame], new Order(order), content);
        }

        _isolated.Clear();
        if (drain)
        {
            _history.Add("drain");
            fixture.Allocator.Drain();
            fixture.Allocator.Validate();
        }
    }

    private void Take(Pfn frame, int order, uint frames, bool knownZero)
    {
        Own(frame, order, frames, ++_lastId);
        for (uint f = 0; f < frames; f++)
        {
            ulong* word = fixture.WordOf(new Pfn(frame.Value + f));
            Assert.True(!knownZero || *word == 0, $"Frame {frame.Value + f} holds {*word} and was promised to be zero.");
            *word = (ulong)_lastId;
        }

        _live.Add((frame, frames, _lastId));
    }

    private void Forget((Pfn Frame, uint Frames, int Id) block)
    {
        Disown(block.Frame, block.Frames);
        for (uint f = 0; f < block.Frames; f++)
        {
            Assert.Equal((ulong)block.Id, *fixture.WordOf(new Pfn(block.Frame.Value + f)));
        }

        _live.Remove(block);
    }

    private void Own(Pfn frame, int order, uint frames, int id)
    {
        Assert.Equal(0u, frame.Value & ((1u << order) - 1));
        for (uint f = frame.Value; f < frame.Value + frames; f++)
        {
            Assert.True(_owner[f] == 0, $"Frame {f} was handed out twice.");
            _owner[f] = id;
        }
    }

    private void Disown(Pfn frame, uint frames) => Array.Clear(_owner, (int)frame.Value, (int)frames);

    private bool HasFree(int order) => HasFree(order, 1u << order);

    /// <summary>Whether so many frames are free where a block of the order may begin.</summary>
    private bool HasFree(int order, uint frames)
    {
        int size = 1 << order;
        for (int f = 0; f + size <= _owner.Length; f += size)
        {
            if (!_owner.AsSpan(f, (int)frames).ContainsAnyExcept(0))
            {
                return true;
            }
        }

        return false;
    }
}
