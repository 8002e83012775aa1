using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace NativeMm.Buffers;

/// <summary>Values of one type in a <see cref="PagedMemory"/>, by index. Thread-safe as the memory is.</summary>
/// <typeparam name="T">The elements.</typeparam>
public sealed unsafe class PagedArray<T>
    where T : unmanaged
{
    private readonly PagedMemory _memory;
    private readonly long _offset;

    internal PagedArray(PagedMemory memory, long offset, long length)
    {
        _memory = memory;
        _offset = offset;
        Length = length;
    }

    /// <summary>How many elements there are.</summary>
    public long Length { get; }

    /// <summary>An element.</summary>
    /// <param name="index">0 to <see cref="Length"/> − 1.</param>
    /// <exception cref="IndexOutOfRangeException">The index is outside of the array.</exception>
    /// <exception cref="AddressSpaces.PageUnavailableException">Its page cannot be brought back.</exception>
    public T this[long index]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => _memory.Read<T>(OffsetOf(index));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        set => _memory.Write(OffsetOf(index), value);
    }

    /// <summary>Copies elements out.</summary>
    /// <param name="index">The first one.</param>
    /// <param name="destination">Where they go.</param>
    /// <exception cref="ArgumentOutOfRangeException">They are not all inside of the array.</exception>
    public void Read(long index, Span<T> destination) => _memory.Read(OffsetOf(index, destination.Length), MemoryMarshal.AsBytes(destination));

    /// <summary>Copies elements in.</summary>
    /// <param name="index">The first one.</param>
    /// <param name="source">What is written.</param>
    /// <exception cref="ArgumentOutOfRangeException">They are not all inside of the array.</exception>
    public void Write(long index, ReadOnlySpan<T> source) => _memory.Write(OffsetOf(index, source.Length), MemoryMarshal.AsBytes(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private long OffsetOf(long index)
    {
        if ((ulong)index >= (ulong)Length)
        {
            Throw(index, Length);
        }

        return _offset + (index * sizeof(T));

        static void Throw(long index, long length) => throw new IndexOutOfRangeException($"Index {index} is not one of an array of {length} elements.");
    }

    private long OffsetOf(long index, int count) => index < 0 || index > Length - count
        ? throw new ArgumentOutOfRangeException(nameof(index), index, $"{count} elements from {index} on are not inside of an array of {Length}.")
        : _offset + (index * sizeof(T));
}
