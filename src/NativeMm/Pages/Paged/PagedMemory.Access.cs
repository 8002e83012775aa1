using System.Runtime.CompilerServices;
using NativeMm.AddressSpaces;

namespace NativeMm.Buffers;

/// <content>Ways to the bytes.</content>
public sealed unsafe partial class PagedMemory
{
    /// <summary>Reads a value. One that is aligned to its size, of 1, 2, 4 or 8 bytes, is read as a whole.</summary>
    /// <typeparam name="T">What is read.</typeparam>
    /// <param name="offset">Its first byte, 0 to <see cref="Length"/> less its size.</param>
    /// <returns>The value; zero where nothing was written yet.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The value is not inside of the memory.</exception>
    /// <exception cref="OutOfMemoryException">There is no room for its page.</exception>
    /// <exception cref="PageUnavailableException">Its page cannot be brought back.</exception>
    /// <exception cref="ObjectDisposedException">The memory is disposed.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Read<T>(long offset)
        where T : unmanaged
    {
        _accesses?.Add();
        return _space.Read<T>(AddressOf(offset, sizeof(T)));
    }

    /// <summary>Copies bytes out, page after page: it is no image of one moment of a range that others write to.</summary>
    /// <param name="offset">The first byte.</param>
    /// <param name="destination">Where they go.</param>
    /// <inheritdoc cref="Read{T}"/>
    public void Read(long offset, Span<byte> destination)
    {
        _accesses?.Add();
        _space.Read(AddressOf(offset, destination.Length), destination);
    }

    /// <summary>Writes a value. One that is aligned to its size, of 1, 2, 4 or 8 bytes, is written as a whole.</summary>
    /// <typeparam name="T">What is written.</typeparam>
    /// <param name="offset">Its first byte, 0 to <see cref="Length"/> less its size.</param>
    /// <param name="value">The value.</param>
    /// <inheritdoc cref="Read{T}"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Write<T>(long offset, T value)
        where T : unmanaged
    {
        _accesses?.Add();
        _space.Write(AddressOf(offset, sizeof(T)), value);
    }

    /// <summary>Copies bytes in, page after page.</summary>
    /// <param name="offset">The first byte.</param>
    /// <param name="source">What is written.</param>
    /// <inheritdoc cref="Read{T}"/>
    public void Write(long offset, ReadOnlySpan<byte> source)
    {
        _accesses?.Add();
        _space.Write(AddressOf(offset, source.Length), source);
    }

    /// <summary>Bytes to read in place. Dispose the lease on the same thread, soon.</summary>
    /// <param name="offset">The first byte.</param>
    /// <param name="length">How many are wanted, at least 1; the lease ends where the memory is not in one piece, at the end of a page at the earliest.</param>
    /// <exception cref="InvalidOperationException">The thread holds <see cref="AddressSpace.LeasesPerThreadMax"/> leases.</exception>
    /// <inheritdoc cref="Read{T}"/>
    public ReadLease LeaseRead(long offset, int length)
    {
        _accesses?.Add();
        return _space.LeaseRead(AddressOf(offset, length), length);
    }

    /// <summary>Bytes to write in place; as <see cref="LeaseRead"/>.</summary>
    /// <inheritdoc cref="LeaseRead"/>
    public WriteLease LeaseWrite(long offset, int length)
    {
        _accesses?.Add();
        return _space.LeaseWrite(AddressOf(offset, length), length);
    }

    /// <summary>Bytes in place for as long as somebody wants, on whatever thread. At most a quarter of <see cref="PagedMemoryOptions.ResidentBytes"/> may be pinned.</summary>
    /// <param name="offset">The first byte.</param>
    /// <param name="length">How many, at least 1.</param>
    /// <param name="access">What they will be used for.</param>
    /// <exception cref="InvalidOperationException">Too much would be pinned.</exception>
    /// <inheritdoc cref="Read{T}"/>
    public PagePin Pin(long offset, long length, PageAccess access = PageAccess.Read)
    {
        _accesses?.Add();
        return _space.Pin(AddressOf(offset, length), length, access);
    }

    /// <summary>The memory as an array of values; an element may lie across two pages.</summary>
    /// <typeparam name="T">The elements.</typeparam>
    /// <param name="offset">Where element 0 begins.</param>
    /// <param name="count">How many elements; −1 for as many as there is room for.</param>
    /// <returns>The array, a view that needs no disposal and is over when the memory is disposed.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The array is not inside of the memory.</exception>
    public PagedArray<T> AsArray<T>(long offset = 0, long count = -1)
        where T : unmanaged
    {
        _ = AddressOf(offset, 0);
        long most = (Length - offset) / sizeof(T);
        if (count < -1 || count > most)
        {
            throw new ArgumentOutOfRangeException(nameof(count), count, $"There is room for {most} elements of {sizeof(T)} bytes at offset {offset}, not for {count}.");
        }

        return new PagedArray<T>(this, offset, count == -1 ? most : count);
    }

    /// <summary>The memory as a stream of fixed length, at position 0. Each stream is one thread's at a time; disposing it leaves the memory.</summary>
    /// <returns>A new stream each time; it reads, writes and seeks, and its length cannot be changed.</returns>
    public Stream AsStream() => new PagedMemoryStream(this);
}
