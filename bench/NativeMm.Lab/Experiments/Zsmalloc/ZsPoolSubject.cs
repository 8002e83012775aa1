using NativeMm.Frames;
using NativeMm.Lab.Harness;
using NativeMm.Primitives;
using NativeMm.Zsmalloc;

namespace NativeMm.Lab.Experiments.Zsmalloc;

/// <summary>Contents in a <see cref="ZsPool"/>. Its metadata count as held.</summary>
internal sealed class ZsPoolSubject : IDensitySubject
{
    private readonly ZsPool _pool;
    private readonly ZsHandle[] _handles;

    public ZsPoolSubject(IFrameAllocator frames, string variant, int objects)
    {
        _pool = ZsPools.Create(frames, variant, accounting: false);
        _handles = new ZsHandle[objects];
        Array.Fill(_handles, default);
    }

    /// <inheritdoc/>
    public long? HeldBytes
    {
        get
        {
            ZsPoolStatistics statistics = _pool.GetStatistics();
            return (statistics.Frames * Pfn.FrameBytes) + statistics.MetadataBytes;
        }
    }

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
    public void Describe(Measurement measurement, double storedBytes)
    {
        ZsPoolStatistics statistics = _pool.GetStatistics();
        measurement
            .Add("bytes_per_class_byte", (double)statistics.Frames * Pfn.FrameBytes / statistics.ClassBytes)
            .Add("metadata_per_object", (double)statistics.MetadataBytes / statistics.Objects)
            .Add("overhead_per_object", (statistics.ClassBytes + statistics.MetadataBytes - storedBytes) / statistics.Objects);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _pool.Validate();
        _pool.Dispose();
    }
}
