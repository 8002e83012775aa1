using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;

namespace NativeMm.Heap;

/// <summary>
/// Mappings that are kept for reuse, the oldest first. Where the platform gives pieces back, neighbours are one range, and a block may be cut
/// from the front of a larger range. No managed memory after construction. Callers hold a lock of their own.
/// </summary>
/// <param name="pieces">Whether ranges may be cut and joined.</param>
internal sealed class RetainedRanges(bool pieces)
{
    /// <summary>Most ranges.</summary>
    public const int CountMax = 256;

    // A range that is larger than needed by at most this part serves as a whole: one in so many.
    private const int SlackDivisor = 4;

    private readonly Range[] _ranges = new Range[CountMax];
    private int _count;

    /// <summary>Bytes of all ranges.</summary>
    public ulong Bytes { get; private set; }

    /// <summary>Whether a range has to go before another one comes.</summary>
    public bool IsFull => _count == CountMax;

    /// <summary>The range at a place of <see cref="CountMax"/>, or nothing.</summary>
    public (nuint Address, nuint Bytes) At(int place) => place < _count ? (_ranges[place].Address, _ranges[place].Bytes) : default;

    /// <summary>Keeps a range. There must be room.</summary>
    public void Add(nuint address, nuint bytes, long now)
    {
        Invariant.Assert(bytes != 0 && _count < CountMax, $"{bytes} bytes are kept beside {_count} ranges.");
        Bytes += bytes;
        for (int i = _count - 1; i >= 0 && pieces; i--)
        {
            Range other = _ranges[i];
            if (other.Address + other.Bytes == address || address + bytes == other.Address)
            {
                address = nuint.Min(address, other.Address);
                bytes += other.Bytes;
                RemoveAt(i);
            }
        }

        _ranges[_count++] = new Range(address, bytes, now);
        AssertWhole();
    }

    /// <summary>Takes the smallest range that a block fits in, or what it needs of it.</summary>
    public bool TryTake(nuint bytes, nuint alignment, out nuint address, out nuint length)
    {
        int best = -1;
        for (int i = 0; i < _count; i++)
        {
            Range candidate = _ranges[i];
            if (candidate.Bytes >= bytes && (pieces || candidate.Bytes - bytes <= bytes / SlackDivisor) && (candidate.Address & (alignment - 1)) == 0
                && (best < 0 || candidate.Bytes < _ranges[best].Bytes))
            {
                best = i;
            }
        }

        (address, length) = (0, 0);
        if (best < 0)
        {
            return false;
        }

        Range found = _ranges[best];
        address = found.Address;
        if (found.Bytes - bytes <= bytes / SlackDivisor)
        {
            length = found.Bytes;
            RemoveAt(best);
        }
        else
        {
            length = bytes;
            _ranges[best] = new Range(address + bytes, found.Bytes - bytes, found.FreedAt);
        }

        Invariant.Assert(length >= bytes && length <= Bytes, $"{length} bytes are taken for {bytes}, of {Bytes}.");
        Bytes -= length;
        AssertWhole();
        return true;
    }

    /// <summary>Takes the largest range of those within bounds, whole.</summary>
    /// <param name="least">Least bytes.</param>
    /// <param name="most">Most bytes.</param>
    /// <param name="address">First byte of the range.</param>
    /// <param name="length">Its length.</param>
    public bool TryTakeLargest(nuint least, nuint most, out nuint address, out nuint length)
    {
        int best = -1;
        for (int i = 0; i < _count; i++)
        {
            nuint bytes = _ranges[i].Bytes;
            if (bytes >= least && bytes <= most && (best < 0 || bytes > _ranges[best].Bytes))
            {
                best = i;
            }
        }

        (address, length) = (0, 0);
        if (best < 0)
        {
            return false;
        }

        (address, length) = (_ranges[best].Address, _ranges[best].Bytes);
        RemoveAt(best);
        Invariant.Assert(length <= Bytes, $"{length} bytes are taken, of {Bytes}.");
        Bytes -= length;
        AssertWhole();
        return true;
    }

    /// <summary>Takes what is too much or too old, the oldest range first.</summary>
    /// <param name="keepBytes">What may stay.</param>
    /// <param name="freedBefore">Ranges freed before that moment go whatever there is.</param>
    /// <param name="address">First byte of the piece.</param>
    /// <param name="length">Its length.</param>
    public bool TryTakeSurplus(ulong keepBytes, long freedBefore, out nuint address, out nuint length)
    {
        (address, length) = (0, 0);
        if (_count == 0 || (Bytes <= keepBytes && _ranges[0].FreedAt >= freedBefore))
        {
            return false;
        }

        Range oldest = _ranges[0];
        (address, length) = (oldest.Address, oldest.Bytes);
        nuint surplus = (nuint)(Bytes - ulong.Min(Bytes, keepBytes));
        if (pieces && oldest.FreedAt >= freedBefore && surplus < oldest.Bytes)
        {
            // All sizes are whole pages, and so is what must go of a bound that is rounded up.
            length = surplus;
            address += oldest.Bytes - surplus;
            _ranges[0] = oldest with { Bytes = oldest.Bytes - surplus };
        }
        else
        {
            RemoveAt(0);
        }

        Invariant.Assert(length != 0 && length <= Bytes, $"{length} bytes are surplus, of {Bytes}.");
        Bytes -= length;
        AssertWhole();
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void AssertWhole()
    {
        if (Invariant.AreAsserted)
        {
            CheckWhole();
        }
    }

    /// <summary>What holds after each change: the sum, the order by time, and no byte twice.</summary>
    private void CheckWhole()
    {
        ulong sum = 0;
        for (int i = 0; i < _count; i++)
        {
            Range range = _ranges[i];
            sum += range.Bytes;
            Invariant.Check(range.Bytes != 0, $"The range at 0x{range.Address:x} is kept and empty.");
            Invariant.Check(i == 0 || _ranges[i - 1].FreedAt <= range.FreedAt, $"The range at 0x{range.Address:x} is older than the one before it.");
            for (int other = 0; other < i; other++)
            {
                bool isApart = _ranges[other].Address + _ranges[other].Bytes <= range.Address || range.Address + range.Bytes <= _ranges[other].Address;
                Invariant.Check(isApart, $"The ranges at 0x{range.Address:x} and 0x{_ranges[other].Address:x} share bytes.");
            }
        }

        Invariant.Check(sum == Bytes, $"The kept ranges have {sum} bytes and count {Bytes}.");
    }

    private void RemoveAt(int index)
    {
        Invariant.Assert((uint)index < (uint)_count, $"There is no range {index} of {_count}.");
        _count--;
        Array.Copy(_ranges, index + 1, _ranges, index, _count - index);
    }

    private readonly record struct Range(nuint Address, nuint Bytes, long FreedAt);
}
