using NativeMm.Diagnostics;
using NativeMm.Zsmalloc;

namespace NativeMm.Lab.Experiments.Zsmalloc;

/// <summary>Calls <see cref="ZsPool"/> as a service would call it.</summary>
internal readonly struct ZsPoolUnderTest(ZsPool pool) : IPoolUnderTest
{
    /// <inheritdoc/>
    public long Frames => pool.GetTotalFrames();

    /// <inheritdoc/>
    public long BytesMoved => pool.GetStatistics().BytesMoved;

    /// <inheritdoc/>
    public LockStatisticsSnapshot? Locks => pool.SumLockStatistics();

    /// <inheritdoc/>
    public ulong Alloc(int bytes) => pool.Alloc(bytes).Value;

    /// <inheritdoc/>
    public void Free(ulong handle) => pool.Free(new ZsHandle(handle));

    /// <inheritdoc/>
    public void Write(ulong handle, ReadOnlySpan<byte> content) => pool.Write(new ZsHandle(handle), content);

    /// <inheritdoc/>
    public int Read(ulong handle, Span<byte> scratch)
    {
        using ZsReadLease lease = pool.OpenRead(new ZsHandle(handle), scratch);
        return lease.Data[0] ^ lease.Data[^1];
    }

    /// <inheritdoc/>
    public long Compact() => pool.Compact();

    /// <inheritdoc/>
    public void Validate() => pool.Validate();
}
