using NativeMm.Diagnostics;

namespace NativeMm.Buffers;

/// <summary>
/// Finds out from the pages that had to be fetched whether somebody goes through the memory in equal steps, and says what comes next. What was fetched ahead is used
/// when the next fault of its stream is the one behind it; a stream that ends before that has not used it. While fewer than half were used it fetches nothing,
/// and tries again later. Not thread-safe.
/// </summary>
internal sealed class StrideDetector
{
    /// <summary>Streams that are told apart.</summary>
    public const int Streams = 8;

    /// <summary>Most pages ahead.</summary>
    public const int AheadMax = 32;

    /// <summary>Longest step, in pages.</summary>
    public const long StrideMax = 64;

    /// <summary>Faults after which it tries again.</summary>
    public const int RestFaults = 512;

    private const int AheadMin = 4;
    private const int JudgeAfter = 64;

    private readonly Stream[] _streams = new Stream[Streams];
    private int _next;
    private int _fetched;
    private int _used;
    private int _rest;

    /// <summary>Whether it fetches nothing because too little of what it fetched was used.</summary>
    public bool IsResting => _rest > 0;

    /// <summary>A page had to be fetched.</summary>
    /// <param name="page">Its number.</param>
    /// <param name="stride">Step of what comes next.</param>
    /// <returns>How many pages are worth fetching: page + stride, page + 2 × stride, …</returns>
    public int Fault(long page, out long stride)
    {
        stride = 0;
        _rest -= _rest > 0 ? 1 : 0;
        foreach (ref Stream stream in _streams.AsSpan())
        {
            if (stream.Stride != 0 && page == stream.Expected)
            {
                Judge(stream.Ahead, stream.Ahead);
                stride = stream.Stride;
                return Advance(ref stream, page);
            }
        }

        foreach (ref Stream stream in _streams.AsSpan())
        {
            long step = page - stream.Last;
            if (stream.IsKnown && step != 0 && Math.Abs(step) <= StrideMax)
            {
                // Two faults make a step, and the third one proves it.
                Judge(stream.Ahead, used: 0);
                stream = new Stream { IsKnown = true, Last = page, Stride = step, Expected = page + step };
                return 0;
            }
        }

        ref Stream oldest = ref _streams[_next];
        _next = (_next + 1) % Streams;
        Judge(oldest.Ahead, used: 0);
        oldest = new Stream { IsKnown = true, Last = page };
        return 0;
    }

    private int Advance(ref Stream stream, long page)
    {
        Invariant.Assert(stream.IsKnown && stream.Stride is not 0 and >= -StrideMax and <= StrideMax, $"A stream goes on by {stream.Stride} pages.");
        int ahead = IsResting ? 0 : Math.Clamp(stream.Ahead * 2, AheadMin, AheadMax);
        stream.Ahead = ahead;
        stream.Last = page + (ahead * stream.Stride);
        stream.Expected = page + ((ahead + 1) * stream.Stride);
        return ahead;
    }

    private void Judge(int fetched, int used)
    {
        Invariant.Assert(used <= fetched && _used <= _fetched, $"{used} of {fetched} pages that were fetched were used, and {_used} of {_fetched} before.");
        _fetched += fetched;
        _used += used;
        if (_fetched >= JudgeAfter)
        {
            _rest = _used * 2 < _fetched ? RestFaults : _rest;
            _fetched = 0;
            _used = 0;
        }
    }

    private struct Stream
    {
        public bool IsKnown;
        public long Last;
        public long Stride;
        public long Expected;
        public int Ahead;
    }
}
