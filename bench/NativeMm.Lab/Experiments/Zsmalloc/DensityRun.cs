using NativeMm.Frames;
using NativeMm.Lab.Baselines;
using NativeMm.Lab.Harness;
using NativeMm.Lab.Pages;
using NativeMm.Lab.Peers;
using NativeMm.Primitives;
using NativeMm.Zsmalloc;

namespace NativeMm.Lab.Experiments.Zsmalloc;

/// <summary>
/// Stores compressed pages, many copies of them, and looks at what the process has become. Whatever it needs itself is there before.
/// </summary>
internal sealed class DensityRun(MeasurementRequest request, CompressedPages pages) : IPeerVisitor<Measurement>
{
    private const int WarmUpObjects = 256;

    private readonly int _objects = pages.Count * ZsPlan.Of(request).StoredCopies;

    private double StoredBytes => (double)pages.Bytes * ZsPlan.Of(request).StoredCopies;

    /// <summary>A <see cref="ZsPool"/>, compacted at the end.</summary>
    public Measurement MeasureZsPool(string variant) => ZsPools.WithFrames(frames =>
    {
        using ZsPool pool = ZsPools.Create(frames, variant, accounting: false);
        var handles = new ZsHandle[_objects];
        Array.Fill(handles, default);
        Measurement result = MeasureResident(
            i => pool.Write(handles[i] = pool.Alloc(pages.Sizes[i % pages.Count]), pages[i % pages.Count]),
            i => pool.Free(handles[i]),
            () => pool.Compact());
        ZsPoolStatistics statistics = pool.GetStatistics();
        long accounted = (statistics.Frames * Pfn.FrameBytes) + statistics.MetadataBytes;
        result
            .Add("accounted_per_byte", accounted / StoredBytes)
            .Add("bytes_per_class_byte", (double)statistics.Frames * Pfn.FrameBytes / statistics.ClassBytes)
            .Add("metadata_per_object", (double)statistics.MetadataBytes / statistics.Objects)
            .Add("overhead_per_object", (statistics.ClassBytes + (double)statistics.MetadataBytes - statistics.UsedBytes) / statistics.Objects);
        Free(i => pool.Free(handles[i]));
        return result;
    });

    /// <summary>The simpler pool with one of the encodings, compacted at the end.</summary>
    public Measurement MeasureEncoded<TEncoding>()
        where TEncoding : struct, IHandleEncoding => ZsPools.WithFrames(frames =>
    {
        using var pool = new EncodedPool<TEncoding, NoLockStatistics>(frames);
        var handles = new ulong[_objects];
        Array.Fill(handles, 0UL);
        Measurement result = MeasureResident(
            i => pool.Write(handles[i] = pool.Alloc(pages.Sizes[i % pages.Count]), pages[i % pages.Count]),
            i => pool.Free(handles[i]),
            () => pool.Compact());
        result
            .Add("bytes_per_class_byte", (double)pool.Frames * Pfn.FrameBytes / pool.ClassBytes)
            .Add("overhead_per_object", (pool.ClassBytes + (pool.Objects * sizeof(ulong)) - StoredBytes) / pool.Objects);
        Free(i => pool.Free(handles[i]));
        return result;
    });

    /// <summary>Two or three objects a page; those too large for their pages get a page each.</summary>
    public Measurement MeasureChunks(int objectsPerPage) => ZsPools.WithFrames(frames =>
    {
        using var pool = new ChunkPagePool(frames, objectsPerPage);
        var store = new ChunkStore(pool, frames, _objects);
        Measurement result = MeasureResident(i => store.Put(i, pages[i % pages.Count]), store.Remove, () => { });
        result.Add("accounted_per_byte", (double)store.Pages * Pfn.FrameBytes / StoredBytes);
        Free(store.Remove);
        return result;
    });

    /// <inheritdoc/>
    public Measurement Visit<TAllocator, THandle>()
        where TAllocator : struct, IAllocatorUnderTest<THandle>
        where THandle : struct, IBlockHandle
    {
        var blocks = new THandle[_objects];
        Array.Fill(blocks, default);
        Measurement result = MeasureResident(i => blocks[i] = Make<TAllocator, THandle>(pages.Sizes[i % pages.Count]), i => TAllocator.Free(blocks[i]), () => { });
        Free(i => TAllocator.Free(blocks[i]));
        return result;
    }

    // No object is longer than a page: its first and its last byte are in all of its pages.
    private static THandle Make<TAllocator, THandle>(int bytes)
        where TAllocator : struct, IAllocatorUnderTest<THandle>
        where THandle : struct, IBlockHandle
    {
        THandle block = TAllocator.Alloc((nuint)bytes);
        block.Touch(0);
        block.Touch((nuint)bytes - 1);
        return block;
    }

    private Measurement MeasureResident(Action<int> put, Action<int> remove, Action compact)
    {
        if (ResidentMemory.Now == 0)
        {
            throw new NotSupportedException("This system does not tell how much memory is resident.");
        }

        for (int i = 0; i < WarmUpObjects; i++)
        {
            put(i);
        }

        compact();
        for (int i = 0; i < WarmUpObjects; i++)
        {
            remove(i);
        }

        GC.Collect();
        ulong before = ResidentMemory.Now;
        for (int i = 0; i < _objects; i++)
        {
            put(i);
        }

        compact();
        ulong now = ResidentMemory.Now;
        return new Measurement().Add("bytes_per_byte", (now - (double)before) / StoredBytes);
    }

    private void Free(Action<int> remove)
    {
        for (int i = 0; i < _objects; i++)
        {
            remove(i);
        }
    }
}
