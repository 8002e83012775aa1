using NativeMm.Frames;
using NativeMm.Platform;

namespace NativeMm.Reporting;

/// <summary>
/// The descriptors of a zone go back with its blocks: page tables and mappings write one for each frame that they use, 16 MiB a gigabyte, and say nothing in them of a free frame
/// that zeros do not say as well. The first descriptor of a block stays, in which a buddy allocator lists it.
/// </summary>
/// <param name="zone">The zone, which must outlive the device.</param>
internal sealed unsafe class DescriptorFollower(FrameZone zone) : IRangeFollower
{
    /// <inheritdoc/>
    public AddressRange RangeOf(FrameRange block) =>
        new((nuint)(zone.Descriptors + block.Frame.Value + 1), (nuint)(block.Order.Frames - 1) * PageFrame.Bytes);
}
