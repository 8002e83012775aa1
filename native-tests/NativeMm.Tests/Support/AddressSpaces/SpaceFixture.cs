using NativeMm.AddressSpaces;
using NativeMm.Frames;
using NativeMm.Platform;
using NativeMm.Primitives;
using Xunit;

namespace NativeMm.Tests.Support.AddressSpaces;

/// <summary>An address space over frames of its own. Disposing validates it, ends it, and checks that every frame came back.</summary>
internal sealed class SpaceFixture : IDisposable
{
    private readonly FrameZone _zone;

    public SpaceFixture(AddressSpaceOptions? options = null, uint megabytes = 16)
    {
        FrameZone.TryCreate(SystemPlatform.Current, ZoneKind.Normal, (ulong)megabytes << 20, out FrameZone? zone);
        _zone = zone!;
        Frames = new LockFreeFrameAllocator(_zone);
        Space = new AddressSpace(Frames, options ?? new AddressSpaceOptions(), Epochs);
    }

    public IFrameAllocator Frames { get; }

    public EpochDomain Epochs { get; } = new();

    public AddressSpace Space { get; }

    public void Dispose()
    {
        if (!Space.IsDisposed)
        {
            Space.Validate();
        }

        Space.Dispose();
        Epochs.Dispose();
        Frames.Drain();
        Assert.Equal(0u, Frames.GetStatistics().AllocatedFrames);
        Frames.Dispose();
        _zone.Dispose();
    }
}
