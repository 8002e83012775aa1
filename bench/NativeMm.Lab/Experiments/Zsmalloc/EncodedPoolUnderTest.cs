using NativeMm.Diagnostics;
using NativeMm.Lab.Baselines;
using NativeMm.Primitives;
using NativeMm.Zsmalloc;

namespace NativeMm.Lab.Experiments.Zsmalloc;

/// <summary>Calls <see cref="EncodedPool{TEncoding, TStatistics}"/> directly.</summary>
internal readonly struct EncodedPoolUnderTest<TEncoding, TStatistics>(EncodedPool<TEncoding, TStatistics> pool) : IPoolUnderTest
    where TEncoding : struct, IHandleEncoding
    where TStatistics : unmanaged, ILockStatistics
{
    /// <inheritdoc/>
    public long Frames => pool.Frames;

    /// <inheritdoc/>
    public long BytesMoved => pool.BytesMoved;

    /// <inheritdoc/>
    public LockStatisticsSnapshot? Locks => TStatistics.Enabled
        ? LockStatisticsSum.Of("classes", [.. pool.LockStatistics.OfType<LockStatistics>().Select(s => s.Snapshot("class"))])
        : null;

    /// <inheritdoc/>
    public ulong Alloc(int bytes) => pool.Alloc(bytes);

    /// <inheritdoc/>
    public void Free(ulong handle) => pool.Free(handle);

    /// <inheritdoc/>
    public void Write(ulong handle, ReadOnlySpan<byte> content) => pool.Write(handle, content);

    /// <inheritdoc/>
    public int Read(ulong handle, Span<byte> scratch) => pool.Look(handle);

    /// <inheritdoc/>
    public long Compact() => pool.Compact();

    /// <inheritdoc/>
    public void Validate() => pool.Validate();
}
