using NativeMm.Frames;
using NativeMm.Platform;
using NativeMm.Tests.Support;

namespace NativeMm.Tests.Concurrency.Reporting;

/// <summary>
/// A system that is short of memory now and then: of the pages that it may take when it needs them it takes those of every second call at
/// once. Without it, lazily discarded memory keeps its content on a machine with enough memory, whatever was given up by mistake.
/// </summary>
internal sealed class LateTaking
{
    private readonly FrameZone _zone;
    private long _calls;
    private long _rangesBeside;

    /// <summary>Makes a platform such a system.</summary>
    /// <param name="platform">The platform.</param>
    /// <param name="zone">The zone whose frames are reported.</param>
    public LateTaking(FaultyPlatform platform, FrameZone zone)
    {
        _zone = zone;
        platform.OnDiscardMany = Discard;
    }

    /// <summary>Ranges that were not in the zone: bookkeeping that followed a block.</summary>
    public long RangesBeside => Volatile.Read(ref _rangesBeside);

    private PlatformResult Discard(IMemoryPlatform inner, ReadOnlySpan<AddressRange> ranges, DiscardMode mode)
    {
        foreach (AddressRange range in ranges)
        {
            if (range.Address - _zone.BaseAddress >= _zone.Bytes)
            {
                Interlocked.Increment(ref _rangesBeside);
            }
        }

        PlatformResult result = inner.Discard(ranges, mode);
        bool takes = mode == DiscardMode.WhenNeeded && Interlocked.Increment(ref _calls) % 2 == 0;
        return result.Succeeded && takes ? inner.Discard(ranges, DiscardMode.Now) : result;
    }
}
