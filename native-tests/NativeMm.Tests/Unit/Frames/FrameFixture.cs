using NativeMm.Frames;
using NativeMm.Primitives;
using Xunit;

namespace NativeMm.Tests.Unit.Frames;

/// <summary>A zone on a fake platform and an allocator over it. Disposing validates and checks that no address space leaked.</summary>
internal sealed unsafe class FrameFixture : IDisposable
{
    private readonly IFrameAllocator[] _chain;

    public FrameFixture(FrameVariant variant, uint megabytes)
        : this(zone => FrameVariants.Create(variant, zone), megabytes)
    {
    }

    public FrameFixture(Func<FrameZone, IFrameAllocator[]> create, uint megabytes)
    {
        Assert.True(FrameZone.TryCreate(Platform, ZoneKind.Normal, (ulong)megabytes << 20, out FrameZone? zone).Succeeded);
        Zone = zone!;
        _chain = create(Zone);
    }

    public FakePlatform Platform { get; } = new();

    public FrameZone Zone { get; }

    public IFrameAllocator Allocator => _chain[0];

    /// <summary>Whether a run fits a hole of its length; otherwise it needs a block of the next power of two.</summary>
    public bool TakesHoles => _chain[^1] is LockFreeFrameAllocator;

    /// <summary>Whether a run can be had at a place, if all of it is free. Frames that lie on a thread's stack are not, for those behind it.</summary>
    public bool KnowsPlaces(uint frames) => TakesHoles && (_chain.Length == 1 || (frames > 1 && Allocator.GetStatistics().PerCoreFrames == 0));

    public Pfn Allocate(int order, FrameFlags flags = FrameFlags.None)
    {
        Assert.True(Allocator.TryAllocate(new Order(order), flags, out Pfn frame, out _), $"No block of order {order} where one must be.");
        return frame;
    }

    /// <summary>Every block of an order that can be had.</summary>
    public List<Pfn> AllocateAll(int order)
    {
        List<Pfn> frames = [];
        while (Allocator.TryAllocate(new Order(order), FrameFlags.None, out Pfn frame, out _))
        {
            frames.Add(frame);
        }

        return frames;
    }

    public void FreeAll(IEnumerable<Pfn> frames, int order)
    {
        foreach (Pfn frame in frames)
        {
            Allocator.Free(frame, new Order(order));
        }
    }

    public ulong* WordOf(Pfn frame) => (ulong*)Zone.AddressOf(frame);

    public void Dispose()
    {
        Allocator.Validate();
        foreach (IFrameAllocator allocator in _chain)
        {
            allocator.Dispose();
            allocator.Dispose();
        }

        Zone.Dispose();
        Assert.Equal(0, Platform.LiveReservations);
    }
}
