using NativeMm.AddressSpaces;
using NativeMm.Frames;
using NativeMm.Lab.Experiments.Frames;
using NativeMm.Lab.Harness;
using NativeMm.Primitives;
using NativeMm.Teardown;

namespace NativeMm.Lab.Experiments.Teardown;

/// <summary>An address space whose pages are there without their memory: tables, frames and counts are real, the frames are never written to.</summary>
internal sealed class FullSpace : IDisposable
{
    private const ulong SpareShare = 64;
    private const ulong SpareBytes = 256UL << 20;

    // To start threads takes longer than to fill less than this.
    private const long CrewBytesMin = 256L << 20;

    private readonly FrameZone _zone;
    private readonly UntouchedFrames _frames;

    /// <summary>Makes a space without pages.</summary>
    /// <param name="bytes">Most bytes of pages.</param>
    /// <param name="options">Who gives them back.</param>
    /// <param name="nodes">Nodes that the frames belong to; 0 for none.</param>
    public FullSpace(long bytes, TeardownOptions options, int nodes = 0)
    {
        _zone = FrameZones.Create((ulong)bytes + ((ulong)bytes / SpareShare) + SpareBytes);
        _frames = new UntouchedFrames(new LockFreeFrameAllocator(_zone), nodes);
        Workers = new TeardownWorkers(options);
        Space = new AddressSpace(_frames, new AddressSpaceOptions(), new EpochDomain(), workers: Workers);
    }

    /// <summary>The space.</summary>
    public AddressSpace Space { get; }

    /// <summary>Who gives its pages back.</summary>
    public TeardownWorkers Workers { get; }

    /// <summary>Maps an area, and has a page behind each of its addresses, or none.</summary>
    public long Map(long bytes, bool isFull)
    {
        long address = Space.Map(bytes, Protection.ReadWrite);
        if (isFull && bytes < CrewBytesMin)
        {
            Fill(address, 0, bytes);
        }
        else if (isFull)
        {
            using var crew = new ThreadCrew(CorePlan.Cores, pin: true);
            long share = bytes / crew.Size / Pfn.FrameBytes * Pfn.FrameBytes;
            crew.Run(thread => Fill(address, share * thread, thread == crew.Size - 1 ? bytes : share * (thread + 1)));
        }

        return address;
    }

    private void Fill(long address, long from, long end)
    {
        for (long at = from; at < end; at += Pfn.FrameBytes)
        {
            Space.Fault((ulong)(address + at) / Pfn.FrameBytes, PageAccess.Write);
        }
    }

    /// <summary>Ends everything. Every frame must be back.</summary>
    public void Dispose()
    {
        Space.Dispose();
        Workers.Dispose();
        ulong lost = _frames.GetStatistics().AllocatedFrames;
        _frames.Dispose();
        _zone.Dispose();
        if (lost != 0)
        {
            throw new InvalidOperationException($"{lost} frames were lost.");
        }
    }
}
