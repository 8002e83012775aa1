using NativeMm.Buffers;
using NativeMm.Frames;
using NativeMm.Primitives;
using NativeMm.Runtime;
using NativeMm.Zsmalloc;
using Xunit;

namespace NativeMm.Tests.Support;

/// <summary>A page store over a small runtime of its own. Its disposal checks the store and that every frame came back.</summary>
internal sealed class PageStoreFixture : IDisposable
{
    private readonly ulong _framesBefore;

    public PageStoreFixture(CompressedPageStoreOptions? options = null)
    {
        Runtime = new MemoryRuntime(new MemoryRuntimeOptions { CapacityBytes = MemoryRuntimeOptions.CapacityBytesMin, BackgroundTrim = false });
        _framesBefore = AllocatedFrames();
        Store = new CompressedPageStore(options, Runtime);
    }

    public MemoryRuntime Runtime { get; }

    public CompressedPageStore Store { get; }

    /// <summary>Stores a page and reads it back.</summary>
    public void RoundTrip(ulong key, byte[] page)
    {
        Store.Store(key, page);
        Holds(key, page);
    }

    /// <summary>Asserts that a key has exactly this page.</summary>
    public void Holds(ulong key, byte[] page)
    {
        byte[] loaded = new byte[page.Length];
        Random.Shared.NextBytes(loaded);
        Assert.True(Store.TryLoad(key, loaded), $"Page {key} is missing.");
        Assert.True(page.AsSpan().SequenceEqual(loaded), $"Page {key} came back with other bytes.");
    }

    /// <summary>Flips bits of one byte of a page where it is stored.</summary>
    public void Damage(ulong key, int offset, byte bits = 0x10)
    {
        ZsHandle handle = Store.ObjectOf(key, offset / ZsPool.ObjectBytesMax);
        Assert.False(handle.IsNone);
        byte[] scratch = new byte[ZsPool.ObjectBytesMax];
        byte[] bytes;
        using (ZsReadLease lease = Store.Pool.OpenRead(handle, scratch))
        {
            bytes = lease.Data.ToArray();
        }

        bytes[offset % ZsPool.ObjectBytesMax] ^= bits;
        Store.Pool.Write(handle, bytes);
    }

    /// <summary>Takes every frame that is free, but some.</summary>
    public List<Pfn> TakeAllFramesBut(int left)
    {
        var frames = new List<Pfn>();
        while (Runtime.Frames.TryAllocate(Order.Zero, FrameFlags.NoReclaim, out Pfn frame, out _))
        {
            frames.Add(frame);
        }

        GiveBack(frames, left);
        return frames;
    }

    /// <summary>Gives some of the taken frames back.</summary>
    public void GiveBack(List<Pfn> frames, int count)
    {
        for (; count > 0 && frames.Count > 0; count--)
        {
            Runtime.Frames.Free(frames[^1], Order.Zero);
            frames.RemoveAt(frames.Count - 1);
        }
    }

    public void Dispose()
    {
        Store.Validate();
        Store.Dispose();
        Assert.Equal(_framesBefore, AllocatedFrames());
        Runtime.Dispose();
    }

    // The heap keeps slabs for the next block; a trim gives them back.
    private ulong AllocatedFrames()
    {
        Runtime.Trim();
        return Runtime.Frames.GetStatistics().AllocatedFrames;
    }
}
