using NativeMm.AddressSpaces;
using NativeMm.Frames;
using NativeMm.Lab.Experiments.Frames;
using NativeMm.Lab.Harness;
using NativeMm.Primitives;

namespace NativeMm.Lab.Experiments.Faults;

/// <summary>An address space of the library.</summary>
internal sealed class NativeSpace : SpaceUnderTest
{
    private readonly FrameZone _zone = FrameZones.Create(FaultWorkload.ZoneBytes);
    private readonly LockFreeFrameAllocator _frames;
    private AddressSpace? _child;

    /// <summary>Makes an empty space.</summary>
    public NativeSpace(FaultMode mode)
    {
        _frames = new LockFreeFrameAllocator(_zone);
        Space = new AddressSpace(_frames, new AddressSpaceOptions { FaultMode = mode }, new EpochDomain());
    }

    /// <summary>The space.</summary>
    public AddressSpace Space { get; }

    /// <inheritdoc/>
    /// <remarks>The area never merges, as those of the other designs: what one thread maps must not change the record of another's area.</remarks>
    public override long Map(long bytes, bool isHuge)
    {
        VmaFlags flags = VmaFlags.Special | (isHuge ? VmaFlags.HugePages : 0);
        LayoutResult result = Space.Layout.Map(new MapRequest((ulong)(bytes / Pfn.FrameBytes), Protection.ReadWrite, flags, Placement.Anywhere, 0));
        return result.IsDone ? (long)result.Page * Pfn.FrameBytes : throw new OutOfMemoryException($"The space refuses {bytes} bytes: {result.Outcome}.");
    }

    /// <inheritdoc/>
    public override void Unmap(long address, long bytes) => Space.Unmap(address, bytes);

    /// <inheritdoc/>
    public override void Protect(long address, long bytes, bool isWritable) =>
        Space.Protect(address, bytes, isWritable ? Protection.ReadWrite : Protection.Read);

    /// <inheritdoc/>
    public override void Share() => _child = Space.Fork();

    /// <inheritdoc/>
    public override void Unshare() => _child?.Dispose();

    /// <inheritdoc/>
    public override void MakeAndCollapse()
    {
        const long Bytes = 2 << 20;

        // Twice as long: somewhere in it are 2 MiB that begin at a multiple of them.
        long area = Map(2 * Bytes, isHuge: false);
        long address = (area + Bytes - 1) & -Bytes;
        for (long at = 0; at < Bytes; at += Pfn.FrameBytes)
        {
            Space.Write(address + at, (byte)1);
        }

        Space.Advise(area, 2 * Bytes, MemoryAdvice.HugePages);
        if (!Space.Faults.Collapse((ulong)(address / Pfn.FrameBytes)))
        {
            throw new InvalidOperationException($"The 2 MiB at 0x{address:x} were not gathered.");
        }

        Space.Unmap(area, 2 * Bytes);
    }

    /// <inheritdoc/>
    public override void Touch(long address, int thread) => Space.Write(address, (byte)1);

    /// <inheritdoc/>
    public override void AddTo(Measurement measurement)
    {
        FaultStatistics faults = Space.GetFaultStatistics();
        measurement
            .Add("attempts", faults.Attempts)
            .Add("successes", faults.Successes)
            .Add("pte_lock", faults.PteLock)
            .Add("vma_changed", faults.VmaChanged)
            .Add("noanon", faults.NoAnon)
            .Add("notsup", faults.NotSupported)
            .Add("access", faults.Access)
            .Add("pmd_changed", faults.PmdChanged)
            .Add("not_attempted", faults.NotAttempted)
            .Add("classic", faults.Classic)
            .Add("frames_peak", faults.PermitsPeak);
        if (faults.Collapses > 0)
        {
            measurement.Add("collapses", faults.Collapses);
        }

        if (faults.Attempts > 0)
        {
            measurement.Add("success_share", 100.0 * faults.Successes / faults.Attempts);
        }
    }

    /// <summary>Ends the space. Every frame must be back.</summary>
    public override void Dispose()
    {
        _child?.Dispose();
        Space.Dispose();
        ulong lost = _frames.GetStatistics().AllocatedFrames;
        _frames.Dispose();
        _zone.Dispose();
        if (lost != 0)
        {
            throw new InvalidOperationException($"{lost} frames were lost.");
        }
    }
}
