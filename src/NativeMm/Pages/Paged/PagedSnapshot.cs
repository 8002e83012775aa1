using System.Buffers;
using NativeMm.AddressSpaces;
using NativeMm.Primitives;

namespace NativeMm.Buffers;

/// <summary>
/// A <see cref="PagedMemory"/> as it was at one moment, to be read while others go on writing to it. Takes memory for the pages that were written since, and for those
/// that it brings back to read them, which <see cref="PagedMemoryOptions.ResidentBytes"/> does not bound: they stay until it is disposed. Thread-safe, except <see cref="Dispose"/>, which no other use may overlap.
/// </summary>
public sealed class PagedSnapshot : IDisposable, IAsyncDisposable
{
    private const int PageBytes = 4096;
    private const int PieceBytes = 1 << 20;

    private readonly AddressSpace _image;
    private readonly SharedSwap _swap;
    private readonly long _base;
    private int _disposed;

    internal PagedSnapshot(AddressSpace image, SharedSwap swap, long start, long length)
    {
        _image = image;
        _swap = swap;
        _base = start;
        Length = length;
    }

    /// <summary>Length in bytes.</summary>
    public long Length { get; }

    /// <summary>Reads a value.</summary>
    /// <typeparam name="T">What is read.</typeparam>
    /// <param name="offset">Its first byte.</param>
    /// <returns>The value as it was when the image was made; zero where nothing had been written.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The value is not inside of the memory.</exception>
    /// <exception cref="OutOfMemoryException">There is no frame for its page.</exception>
    /// <exception cref="PageUnavailableException">Its page cannot be brought back.</exception>
    /// <exception cref="ObjectDisposedException">The snapshot is disposed.</exception>
    public unsafe T Read<T>(long offset)
        where T : unmanaged => _image.Read<T>(AddressOf(offset, sizeof(T)));

    /// <summary>Copies bytes out.</summary>
    /// <param name="offset">The first byte.</param>
    /// <param name="destination">Where they go.</param>
    /// <inheritdoc cref="Read{T}"/>
    public void Read(long offset, Span<byte> destination) => _image.Read(AddressOf(offset, destination.Length), destination);

    /// <summary>
    /// Writes all of the image to a stream. What it brings back for that goes again, piece by piece, so that it takes little memory.
    /// </summary>
    /// <param name="destination">Gets <see cref="Length"/> bytes.</param>
    /// <param name="progress">Is told how many bytes are written, after each piece.</param>
    /// <param name="cancellation">Ends it between two pieces.</param>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    /// <exception cref="OutOfMemoryException">There is no memory for the page tables, or no frame for a page.</exception>
    /// <exception cref="PageUnavailableException">A page cannot be brought back.</exception>
    /// <exception cref="ObjectDisposedException">The snapshot is disposed.</exception>
    /// <exception cref="ArgumentNullException">The stream is null.</exception>
    public void CopyTo(Stream destination, IProgress<long>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(destination);
        ThrowIfDisposed();
        byte[] piece = ArrayPool<byte>.Shared.Rent(PieceBytes);

        // The second image has pages there, too: whoever writes or is told may dispose the first one, and the memory.
        bool isOwner = _swap.TryAddOwner();
        try
        {
            ObjectDisposedException.ThrowIf(!isOwner, this);

            // Of a second image each piece can be forgotten when it is written.
            using AddressSpace pass = _image.Fork();
            for (long done = 0; done < Length;)
            {
                cancellation.ThrowIfCancellationRequested();
                int count = (int)Math.Min(PieceBytes, Length - done);
                pass.Read(_base + done, piece.AsSpan(0, count));
                pass.Advise(_base + done, (count + PageBytes - 1) & -PageBytes, MemoryAdvice.DoNotNeed);
                destination.Write(piece, 0, count);
                done += count;
                progress?.Report(done);
            }
        }
        finally
        {
            if (isOwner)
            {
                _swap.Dispose();
            }

            ArrayPool<byte>.Shared.Return(piece);
        }
    }

    /// <summary>Gives its pages back. A second call does nothing.</summary>
    public void Dispose()
    {
        if (Atomic.Exchange(ref _disposed, 1) == 0)
        {
            _image.Dispose();
            _swap.Dispose();
        }
    }

    /// <summary>The same, without waiting for it. A second call does nothing, and is not told when the first is through.</summary>
    /// <returns>What ends when its pages are given back.</returns>
    public ValueTask DisposeAsync() =>
        Atomic.Exchange(ref _disposed, 1) == 0 ? _image.DisposeAsync(before: null, _swap.Dispose) : ValueTask.CompletedTask;

    private long AddressOf(long offset, long length)
    {
        if (offset < 0 || offset > Length - length)
        {
            ThrowIfDisposed();
            throw new ArgumentOutOfRangeException(nameof(offset), offset, $"{length} bytes at offset {offset} are not inside of a memory of {Length} bytes.");
        }

        return _base + offset;
    }

    private void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(Atomic.LoadAcquire(ref _disposed) != 0, this);
}
