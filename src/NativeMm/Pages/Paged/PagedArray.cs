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

    // A span of bytes has fewer than 2³¹ of them; one of elements may have more.
    private static int PieceMax => int.MaxValue / sizeof(T);

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
    /// <exception cref="AddressSpaces.PageUnavailableException">A page of theirs cannot be brought back.</exception>
    public void Read(long index, Span<T> destination)
    {
        long offset = OffsetOf(index, destination.Length);
        int done = 0;
        do
        {
            int piece = Math.Min(destination.Length - done, PieceMax);
            _memory.Read(offset + ((long)done * sizeof(T)), MemoryMarshal.AsBytes(destination.Slice(done, piece)));
            done += piece;
        }
        while (done < destination.Length);
    }

    /// <summary>Copies elements in.</summary>
    /// <param name="index">The first one.</param>
    /// <param name="source">What is written.</param>
    /// <exception cref="ArgumentOutOfRangeException">They are not all inside of the array.</exception>
    /// <exception cref="AddressSpaces.PageUnavailableException">A page of theirs cannot be brought back.</exception>
    public void Write(long index, ReadOnlySpan<T> source)
    {
        long offset = OffsetOf(index, source.Length);
        int done = 0;
        do
        {
            int piece = Math.Min(source.Length - done, PieceMax);
            _memory.Write(offset + ((long)done * sizeof(T)), MemoryMarshal.AsBytes(source.Slice(done, piece)));
            done += piece;
        }
        while (done < source.Length);
    }

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
