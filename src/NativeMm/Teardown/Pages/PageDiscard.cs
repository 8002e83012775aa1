using System.Diagnostics;
using NativeMm.Diagnostics;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Teardown;

/// <summary>
/// Gives pages back call by call. Where the system keeps the whole map of the process locked meanwhile, a call lasts about a step time at most, because one thread that
/// waits to change the map would stop all others; where it locks the area alone, a few of them. Thread-safe; takes no managed memory.
/// </summary>
internal sealed class PageDiscard
{
    /// <summary>Calls begin and end at multiples of this, so that none cuts a huge page in two: 2 MiB.</summary>
    public const nuint Grain = 2 << 20;

    // Without a lock of the whole map nobody but a mapper of this very area waits.
    private const int AreaStepTimes = 4;
    private const nuint MapStepBytesMax = 64 << 20;
    private const nuint AreaStepBytesMax = 128 << 20;
    private const int BordersAtOnce = 16;

    private readonly IMemoryPlatform _platform;
    private readonly Func<long> _clock;
    private readonly long _stepTicks;
    private readonly bool _byArea;
    private nuint _stepBytes = Grain;
    private long _refusals;

    /// <summary>Makes one.</summary>
    /// <param name="platform">Who takes the pages.</param>
    /// <param name="stepTime">How long a call may keep the map of the process locked.</param>
    /// <param name="clock">Ticks of <see cref="Stopwatch"/>; null for the real ones.</param>
    public PageDiscard(IMemoryPlatform platform, TimeSpan stepTime, Func<long>? clock = null)
    {
        _platform = platform;
        // A call, not the method itself: the explorer puts its own clock in the place of calls.
        _clock = clock ?? (static () => Stopwatch.GetTimestamp());
        _byArea = (platform.Capabilities & PlatformCapabilities.DiscardByArea) != 0;
        _stepTicks = (long)(stepTime.TotalSeconds * Stopwatch.Frequency) * (_byArea ? AreaStepTimes : 1);
        StepBytesMax = _byArea ? AreaStepBytesMax : MapStepBytesMax;
    }

    /// <summary>Whether the system takes pages back at all while their addresses stay.</summary>
    public bool IsSupported => (_platform.Capabilities & PlatformCapabilities.Discard) != 0;

    /// <summary>Most bytes of one call.</summary>
    public nuint StepBytesMax { get; }

    /// <summary>Bytes of the next call, a multiple of <see cref="Grain"/>: what calls so far have shown to last about a step time.</summary>
    public nuint StepBytes => Atomic.LoadAcquire(in _stepBytes);

    /// <summary>Calls that the system refused. The pages stayed, until their addresses go.</summary>
    public long Refusals => Atomic.LoadAcquire(in _refusals);

    /// <summary>Where a call that begins at an address should end.</summary>
    /// <param name="address">First byte.</param>
    /// <param name="end">End of all that there is to do.</param>
    public nuint StepEnd(nuint address, nuint end)
    {
        Invariant.Assert(address < end, $"A call is asked for behind the end 0x{end:x} of a range, at 0x{address:x}.");
        nuint bytes = StepBytes;
        Invariant.Assert(bytes >= Grain && bytes <= StepBytesMax && bytes % Grain == 0, $"A call would be of {bytes} bytes.");
        nuint step = (address + bytes) & ~(Grain - 1);
        return nuint.Min(step, end);
    }

    /// <summary>Finds borders of the system's areas, as <see cref="IMemoryPlatform.FindBorders"/> says.</summary>
    public int FindBorders(nuint address, nuint bytes, Span<nuint> borders) => _platform.FindBorders(address, bytes, borders);

    /// <summary>Gives the pages of a range back, call by call, and none of them over a border of the system's areas.</summary>
    /// <param name="address">First byte, at a page.</param>
    /// <param name="bytes">Length in whole pages.</param>
    public void Discard(nuint address, nuint bytes)
    {
        Span<nuint> borders = stackalloc nuint[BordersAtOnce];
        nuint end = address + bytes;
        while (address < end)
        {
            int count = _platform.FindBorders(address, end - address, borders);
            for (int i = 0; i < count; i++)
            {
                Invariant.Assert(borders[i] > address && borders[i] < end, $"A border at 0x{borders[i]:x} is not inside of 0x{address:x} to 0x{end:x}.");
                DiscardArea(address, borders[i]);
                address = borders[i];
            }

            if (count < BordersAtOnce)
            {
                DiscardArea(address, end);
                address = end;
            }
        }
    }

    /// <summary>The same for a range without borders.</summary>
    /// <returns>The first refusal, or success.</returns>
    public PlatformResult DiscardArea(nuint address, nuint end, DiscardMode mode = DiscardMode.Now)
    {
        PlatformResult first = PlatformResult.Success;
        while (address < end)
        {
            nuint step = StepEnd(address, end);
            long start = _clock();
            PlatformResult result = _platform.Discard(address, step - address, mode);
            Note(result, step - address, start);
            first = first.Succeeded ? result : first;
            address = step;
        }

        return first;
    }

    /// <summary>
    /// Gives the pages of many ranges back: with one call where that locks one area after another, and range by range in steps where it would keep the whole map locked.
    /// </summary>
    /// <returns>The first refusal, or success.</returns>
    public PlatformResult Discard(ReadOnlySpan<AddressRange> ranges, DiscardMode mode)
    {
        if (_byArea || !IsSupported)
        {
            return _platform.Discard(ranges, mode);
        }

        PlatformResult first = PlatformResult.Success;
        ulong bytes = 0;
        int from = 0;
        for (int i = 0; i < ranges.Length; i++)
        {
            // As many as make a step go with one call.
            if (i > from && bytes + ranges[i].Bytes > StepBytes)
            {
                PlatformResult result = DiscardStep(ranges[from..i], mode);
                first = first.Succeeded ? result : first;
                (from, bytes) = (i, 0);
            }

            bytes += ranges[i].Bytes;
        }

        PlatformResult last = DiscardStep(ranges[from..], mode);
        return first.Succeeded ? last : first;
    }

    private PlatformResult DiscardStep(ReadOnlySpan<AddressRange> ranges, DiscardMode mode)
    {
        if (ranges.Length == 1)
        {
            return DiscardArea(ranges[0].Address, ranges[0].Address + ranges[0].Bytes, mode);
        }

        nuint bytes = 0;
        foreach (AddressRange range in ranges)
        {
            bytes += range.Bytes;
        }

        long start = _clock();
        PlatformResult result = _platform.Discard(ranges, mode);
        Note(result, bytes, start);
        return result;
    }

    /// <summary>Takes the pages of a piece out of a memory file by one call.</summary>
    /// <param name="file">The file.</param>
    /// <param name="offset">First byte, at a page.</param>
    /// <param name="end">End of all that there is to do.</param>
    /// <returns>Where the call ended.</returns>
    public nuint PunchStep(int file, nuint offset, nuint end)
    {
        nuint step = StepEnd(offset, end);
        long start = _clock();
        PlatformResult result = _platform.PunchHole(file, offset, step - offset);
        Note(result, step - offset, start);
        return step;
    }

    /// <summary>A call that was too long halves the next ones; one that was short doubles them. Several threads may overwrite each other's finding.</summary>
    private void Note(PlatformResult result, nuint bytes, long start)
    {
        if (!result.Succeeded)
        {
            Atomic.Add(ref _refusals, 1);
            return;
        }

        long ticks = _clock() - start;
        nuint now = StepBytes;
        if (ticks > _stepTicks)
        {
            Atomic.StoreRelease(ref _stepBytes, nuint.Max(Grain, (nuint.Min(now, bytes) / 2) & ~(Grain - 1)));
        }
        else if (ticks < _stepTicks / 4 && bytes >= now / 2)
        {
            Atomic.StoreRelease(ref _stepBytes, nuint.Min(StepBytesMax, 2 * now));
        }
    }
}
