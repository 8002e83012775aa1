using NativeMm.Frames;
using NativeMm.Lab.Baselines;
using NativeMm.Lab.Harness;
using NativeMm.Primitives;

namespace NativeMm.Lab.Experiments.Zsmalloc;

/// <summary>Contents in the simpler pool with one of the encodings.</summary>
internal sealed class EncodedSubject<TEncoding> : IDensitySubject
    where TEncoding : struct, IHandleEncoding
{
    private readonly EncodedPool<TEncoding, NoLockStatistics> _pool;
    private readonly ulong[] _handles;

    public EncodedSubject(IFrameAllocator frames, int objects)
    {
        _pool = new EncodedPool<TEncoding, NoLockStatistics>(frames);
        _handles = new ulong[objects];
        Array.Fill(_handles, 0UL);
    }

    /// <inheritdoc/>
    public long? HeldBytes => (_pool.Frames * Pfn.FrameBytes) + CellBytes;

    private long CellBytes => _pool.Objects * sizeof(ulong);

    /// <inheritdoc/>
    public void Put(int number, ReadOnlySpan<byte> content)
    {
        _handles[number] = _pool.Alloc(content.Length);
        _pool.Write(_handles[number], content);
    }

    /// <inheritdoc/>
    public void Remove(int number) => _pool.Free(_handles[number]);

    /// <inheritdoc/>
    public void GiveBack() => _pool.Compact();

    /// <inheritdoc/>
    public void Describe(Measurement measurement, double storedBytes) => measurement
        .Add("bytes_per_class_byte", (double)_pool.Frames * Pfn.FrameBytes / _pool.ClassBytes)
        .Add("overhead_per_object", (_pool.ClassBytes + CellBytes - storedBytes) / _pool.Objects);

    /// <inheritdoc/>
    public void Dispose()
    {
        _pool.Validate();
        _pool.Dispose();
    }
}
