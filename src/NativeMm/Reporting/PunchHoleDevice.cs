using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Platform;

namespace NativeMm.Reporting;

/// <summary>
/// Gives the pages of free blocks of a memory file back to the operating system: blocks that lie side by side with one system call. Thread-safe.
/// For a zone of kind <see cref="ZoneKind.Mappable"/>; all mappings of the pages read as zero afterwards.
/// </summary>
public sealed class PunchHoleDevice : IReportingDevice
{
    private readonly FrameZone _zone;
    private readonly DescriptorFollower _descriptors;

    /// <summary>Makes a device for the file behind a zone.</summary>
    /// <param name="zone">The zone, which must outlive the device.</param>
    /// <exception cref="ArgumentException">The zone is no memory file.</exception>
    /// <exception cref="ArgumentNullException">The zone is null.</exception>
    public PunchHoleDevice(FrameZone zone)
    {
        ArgumentNullException.ThrowIfNull(zone);
        if (zone.Kind != ZoneKind.Mappable)
        {
            throw new ArgumentException($"A zone of kind {zone.Kind} is no memory file; a {nameof(MadviseDevice)} gives its pages back.", nameof(zone));
        }

        _zone = zone;
        _descriptors = new DescriptorFollower(zone);
    }

    /// <summary>The zone whose file it is.</summary>
    internal FrameZone Zone => _zone;

    /// <inheritdoc/>
    public bool Supports(ZoneKind zone) => zone == ZoneKind.Mappable;

    /// <inheritdoc/>
    /// <remarks>Ranges that do not lie in the zone, where they say that they do, are refused: what is there may be anybody's.</remarks>
    public FrameContent Report(ReadOnlySpan<FrameRange> ranges)
    {
        foreach (FrameRange range in ranges)
        {
            if (!IsOfZone(range))
            {
                return FrameContent.Unknown;
            }
        }

        while (!ranges.IsEmpty)
        {
            int count = 1;
            nuint bytes = ranges[0].Bytes;
            while (count < ranges.Length && ranges[count].Address == ranges[0].Address + bytes)
            {
                bytes += ranges[count++].Bytes;
            }

            if (!_zone.Platform.PunchHole(_zone.File, ranges[0].Frame.Offset, bytes).Succeeded)
            {
                return FrameContent.Unknown;
            }

            DiscardDescriptors(ranges[..count]);
            ranges = ranges[count..];
        }

        return FrameContent.ReportedZero;
    }

    private unsafe bool IsOfZone(FrameRange range) =>
        range.Frame.Value < _zone.FrameCount
        && range.Order.Frames <= _zone.FrameCount - range.Frame.Value
        && range.Address == (nuint)_zone.AddressOf(range.Frame);

    /// <summary>The descriptors of neighbours are neighbours, but for the first one of each block. What is refused stays resident.</summary>
    private void DiscardDescriptors(ReadOnlySpan<FrameRange> ranges)
    {
        foreach (FrameRange range in ranges)
        {
            Invariant.Assert(IsOfZone(range), $"The descriptors of frame {range.Frame} are discarded, of {_zone.FrameCount}.");
            AddressRange pages = _descriptors.RangeOf(range).WholePages(_zone.Platform.PageBytes);
            if (pages.Bytes != 0)
            {
                _ = _zone.Platform.Discard(pages.Address, pages.Bytes, DiscardMode.Now);
            }
        }
    }
}
