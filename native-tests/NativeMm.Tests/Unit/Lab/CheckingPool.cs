using NativeMm.Diagnostics;
using NativeMm.Lab.Experiments.Zsmalloc;

namespace NativeMm.Tests.Unit.Lab;

/// <summary>A pool that remembers what it was asked for and stops at the first senseless call. One thread.</summary>
internal sealed class CheckingPool
{
    private readonly Dictionary<ulong, byte[]> _objects = [];
    private ulong _last;

    public int Reads { get; private set; }

    public int Objects => _objects.Count;

    public ulong Alloc(int bytes)
    {
        _objects.Add(++_last, new byte[bytes]);
        return _last;
    }

    public void Free(ulong handle)
    {
        if (!_objects.Remove(handle))
        {
            throw new InvalidOperationException($"There is no object {handle}.");
        }
    }

    public void Write(ulong handle, ReadOnlySpan<byte> content) => content.CopyTo(_objects[handle]);

    public int Read(ulong handle)
    {
        Reads++;
        return _objects[handle][0];
    }

    /// <summary>The pool as workloads want it.</summary>
    internal readonly struct Handle(CheckingPool pool) : IPoolUnderTest
    {
        public long Frames => 0;

        public long BytesMoved => 0;

        public LockStatisticsSnapshot? Locks => null;

        public ulong Alloc(int bytes) => pool.Alloc(bytes);

        public void Free(ulong handle) => pool.Free(handle);

        public void Write(ulong handle, ReadOnlySpan<byte> content) => pool.Write(handle, content);

        public int Read(ulong handle, Span<byte> scratch) => pool.Read(handle);

        public long Compact() => 0;

        public void Validate()
        {
        }
    }
}
