using NativeMm.Frames;
using NativeMm.Lab.Baselines.Reporting;
using NativeMm.Primitives;
using NativeMm.Reporting;
using Xunit;

namespace NativeMm.Tests.Model.Lab;

/// <summary>
/// The naive model of the hint, which has no walk: the device hears of exactly the blocks of the order and larger that are freed, each once and
/// alone, while it still belongs to whoever frees it. The model is the device itself.
/// </summary>
/// <param name="order">Size of the smallest block that is reported.</param>
internal sealed class HintedSchemeModel(Order order) : IReportingDevice
{
    private readonly List<(Pfn Frame, Order Order)> _live = [];
    private readonly Queue<(Pfn Frame, Order Order)> _expected = [];
    private readonly List<string> _history = [];
    private HintedFrames? _frames;
    private string? _mistake;
    private bool _fails;
    private long _hints;
    private long _failures;

    /// <summary>What was done, to be read beside a failure.</summary>
    public string History => string.Join(Environment.NewLine, _history);

    /// <summary>A random history, and everything freed at its end.</summary>
    public void Run(HintedFrames frames, Random random, int steps)
    {
        _frames = frames;
        for (int step = 0; step < steps; step++)
        {
            _fails = random.Next(8) == 0;
            if (random.Next(2) == 0)
            {
                Allocate(new Order(random.Next(3) == 0 ? random.Next(Order.Count) : random.Next(7)));
            }
            else if (_live.Count != 0)
            {
                Free(random.Next(_live.Count), inBulk: random.Next(4) == 0);
            }
        }

        _fails = false;
        while (_live.Count != 0)
        {
            Free(_live.Count - 1, inBulk: false);
        }

        Assert.NotEqual(0, _hints);
        Assert.NotEqual(0, _failures);
        Assert.Equal(0u, frames.GetStatistics().AllocatedFrames);
        frames.Validate();
    }

    /// <inheritdoc/>
    public FrameContent Report(ReadOnlySpan<FrameRange> ranges)
    {
        // What throws here is a failure of the device to the allocator, so mistakes are kept for later.
        FrameRange range = ranges[0];
        ulong live = 0;
        _live.ForEach(block => live += block.Order.Frames);
        bool isNext = _expected.TryDequeue(out (Pfn Frame, Order Order) next) && next == (range.Frame, range.Order);
        if (ranges.Length != 1 || !isNext || range.Address != _frames!.Zone.BaseAddress + range.Frame.Offset)
        {
            _mistake ??= $"{ranges.Length} blocks, the first {range.Frame}/{range.Order}, where {next.Frame}/{next.Order} alone was to be reported.";
        }
        else if (_frames.GetStatistics().AllocatedFrames != live)
        {
            _mistake ??= $"{range.Frame}/{range.Order} does not belong to whoever frees it any more.";
        }

        return _fails ? FrameContent.Unknown : FrameContent.Reported;
    }

    private void Allocate(Order size)
    {
        if (_frames!.TryAllocate(size, FrameFlags.NoReclaim, out Pfn frame, out _))
        {
            _history.Add($"allocate {size}: {frame}");
            _live.Add((frame, size));
        }
    }

    /// <summary>Frees a block, or all of its size together.</summary>
    private void Free(int at, bool inBulk)
    {
        Order size = _live[at].Order;
        Pfn[] freed = inBulk ? [.. _live.Where(block => block.Order == size).Select(block => block.Frame)] : [_live[at].Frame];
        _history.Add($"free {string.Join(' ', freed)} {size}, {(_fails ? "refused" : "taken")}");
        int heard = size >= order ? freed.Length : 0;
        foreach (Pfn frame in freed.Take(heard))
        {
            _expected.Enqueue((frame, size));
        }

        if (inBulk)
        {
            _frames!.FreeBulk(freed, size);
        }
        else
        {
            _frames!.Free(freed[0], size);
        }

        _live.RemoveAll(block => block.Order == size && freed.Contains(block.Frame));
        (_hints, _failures) = _fails ? (_hints, _failures + heard) : (_hints + heard, _failures);
        Assert.True(_mistake is null, _mistake);
        Assert.True(_expected.Count == 0, $"{_expected.Count} freed blocks were not reported.");
        Assert.Equal((_hints, _failures), (_frames.Hints, _frames.Failures));
    }
}
