using NativeMm.Frames;
using NativeMm.Heap;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Heap;

/// <summary>Depots over a zone of their own, without a heap above.</summary>
public abstract class DepotTestBase : IDisposable
{
    private protected const uint Tag = 1 << SlabSpace.ClassBits;

    private readonly FrameZone _zone;

    private protected DepotTestBase()
    {
        Assert.True(FrameZone.TryCreate(Platform, ZoneKind.Normal, 16 << 20, out FrameZone? zone).Succeeded);
        _zone = zone!;
        Frames = new LockFreeFrameAllocator(_zone, coreSlots: 1);
        Assert.True(SlabSpace.TryCreate(Frames, Platform, out SlabSpace? space).Succeeded);
        Space = space!;
    }

    private protected FaultyPlatform Platform { get; } = new();

    private protected LockFreeFrameAllocator Frames { get; }

    private protected SlabSpace Space { get; }

    public virtual void Dispose()
    {
        Frames.Validate();
        Space.Dispose();
        Frames.Dispose();
        _zone.Dispose();
        Platform.AssertNothingLeaked();
        GC.SuppressFinalize(this);
    }
}
