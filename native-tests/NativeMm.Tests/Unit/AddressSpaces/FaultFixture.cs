using NativeMm.AddressSpaces;
using NativeMm.Eviction;
using NativeMm.Frames;
using NativeMm.Primitives;
using NativeMm.Tests.Unit.Frames;
using Xunit;

namespace NativeMm.Tests.Unit.AddressSpaces;

/// <summary>
/// A space over a zone of its own. Disposing validates it, checks that the counters of its faults close, ends it, and checks that every frame came back.
/// </summary>
internal sealed unsafe class FaultFixture : IDisposable
{
    public const int Page = Pfn.FrameBytes;

    private readonly FrameFixture _frames;
    private readonly List<Pfn> _taken = [];

    public FaultFixture(AddressSpaceOptions? options = null, uint megabytes = 16, FrameVariant variant = FrameVariant.LockFree, int residentMax = 0)
    {
        _frames = new FrameFixture(variant, megabytes);
        options ??= new AddressSpaceOptions { FaultPermits = 2 };
        Space = residentMax == 0
            ? new AddressSpace(_frames.Allocator, options, Epochs, Swap)
            : AddressSpace.CreateLimited<ClockPolicy>(_frames.Allocator, options, Epochs, Swap, residentMax);
    }

    /// <summary>Where pages go that leave.</summary>
    public SwapDouble Swap { get; } = new();

    public EpochDomain Epochs { get; } = new();

    public AddressSpace Space { get; }

    public IFrameAllocator Frames => _frames.Allocator;

    public PageTables Tables => Space.Tables;

    public FaultStatistics Faults => Space.GetFaultStatistics();

    public static AddressSpaceOptions Mode(FaultMode mode) => new() { FaultMode = mode, FaultPermits = 2 };

    /// <summary>Makes the page of an address accessible, with the test's actions at the places on the way.</summary>
    public void Fault(long address, PageAccess access)
    {
        try
        {
            Space.Faults.Handle<FaultIntruder>((ulong)address >> Pfn.FrameShift, access);
        }
        finally
        {
            Assert.Empty(FaultIntruder.Leave());
        }
    }

    /// <summary>Takes all frames that are left.</summary>
    public void TakeAllFrames(int but = 0)
    {
        while (Frames.TryAllocate(Order.Zero, FrameFlags.NoReclaim, out Pfn frame, out _))
        {
            _taken.Add(frame);
        }

        GiveFrames(but);
    }

    /// <summary>Gives frames back that were taken.</summary>
    public void GiveFrames(int count = int.MaxValue)
    {
        for (; count > 0 && _taken.Count > 0; count--)
        {
            Frames.Free(_taken[^1], Order.Zero);
            _taken.RemoveAt(_taken.Count - 1);
        }
    }

    public LeafEntry Look(long address) => Tables.Look((ulong)address >> Pfn.FrameShift);

    /// <summary>Checks that the counters of a space close.</summary>
    public static void AssertCloses(FaultStatistics faults)
    {
        Assert.Equal(
            faults.Attempts,
            faults.Successes + faults.PteLock + faults.VmaChanged + faults.NoAnon + faults.NotSupported + faults.Access + faults.PmdChanged + faults.NotAttempted);
        Assert.InRange(faults.PermitsPeak, 0, faults.Permits);
    }

    public void Dispose()
    {
        GiveFrames();
        AssertCloses(Faults);
        if (!Space.IsDisposed)
        {
            Space.Validate();
        }

        Space.Dispose();
        Epochs.Dispose();
        Orphans.Flush();
        Swap.Dispose();
        Frames.Drain();
        Assert.Equal(0u, Frames.GetStatistics().AllocatedFrames);
        _frames.Dispose();
    }
}
