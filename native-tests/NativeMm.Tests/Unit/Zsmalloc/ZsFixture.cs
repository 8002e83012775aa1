using NativeMm.Frames;
using NativeMm.Zsmalloc;
using NativeMm.Tests.Unit.Frames;
using Xunit;

namespace NativeMm.Tests.Unit.Zsmalloc;

/// <summary>A pool over a zone of its own. Disposing frees what the test left, validates, and checks that every frame came back.</summary>
internal sealed class ZsFixture : IDisposable
{
    private readonly FrameFixture _frames;
    private readonly byte[] _scratch = new byte[ZsPool.ObjectBytesMax];

    public ZsFixture(ZsPoolOptions? options = null, uint megabytes = 16, FrameVariant variant = FrameVariant.LockFree)
    {
        _frames = new FrameFixture(variant, megabytes);
        Pool = new ZsPool(_frames.Allocator, options ?? Quiet);
    }

    /// <summary>No compaction but that of the test, and one stripe: every step is repeatable.</summary>
    public static ZsPoolOptions Quiet { get; } = new() { AutoCompact = false, Stripes = 1 };

    public static TheoryData<ZsLockMode> Modes => [ZsLockMode.PerClass, ZsLockMode.Pool, ZsLockMode.PoolSingleCompactor];

    public ZsPool Pool { get; }

    public IFrameAllocator Frames => _frames.Allocator;

    public FrameFixture Zone => _frames;

    /// <summary>An object whose bytes follow from its size and a seed.</summary>
    public ZsHandle Store(int bytes, int seed)
    {
        ZsHandle handle = Pool.Alloc(bytes);
        Pool.Write(handle, Content(bytes, seed));
        return handle;
    }

    public void AssertHolds(ZsHandle handle, int bytes, int seed) => AssertHolds(handle, bytes, seed, _scratch);

    /// <summary>The same with a scratch of its own, for several threads.</summary>
    public void AssertHoldsAlone(ZsHandle handle, int bytes, int seed) => AssertHolds(handle, bytes, seed, new byte[bytes]);

    private void AssertHolds(ZsHandle handle, int bytes, int seed, byte[] scratch)
    {
        Assert.Equal(bytes, Pool.SizeOf(handle));
        using ZsReadLease lease = Pool.OpenRead(handle, scratch);
        Assert.True(lease.Data.SequenceEqual(Content(bytes, seed)), $"The object of {bytes} bytes with seed {seed} has changed.");
    }

    public static byte[] Content(int bytes, int seed)
    {
        byte[] content = new byte[bytes];
        new Random(seed).NextBytes(content);
        return content;
    }

    public void Dispose()
    {
        Pool.Validate();
        Pool.Dispose();
        Frames.Drain();
        Assert.Equal(0u, Frames.GetStatistics().AllocatedFrames);
        _frames.Dispose();
    }
}
