using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using NativeMm.Heap;

namespace NativeMm.Caching;

/// <summary>
/// The value of an entry, readable until <see cref="Dispose"/>, also if the entry is replaced, removed or evicted meanwhile. Nothing is copied unless the value is
/// kept compressed. Dispose it soon, exactly once, on the thread that got it, and do not copy it: what it holds cannot be used again until then.
/// </summary>
public unsafe ref struct CacheLease
{
    private readonly NativeHeap? _heap;
    private void* _block;

    internal CacheLease(NativeHeap heap, void* block, int length)
    {
        _heap = heap;
        _block = block;
        Length = length;
    }

    /// <summary>Bytes of the value.</summary>
    public int Length { get; private set; }

    /// <summary>Whether the value lies in one piece, so that <see cref="Span"/> gives it.</summary>
    [SuppressMessage("Performance", "CA1822:Mark members as static", Justification = "Public surface: values in pieces may come.")]
    public readonly bool IsSingle => true;

    /// <summary>The value. Valid until <see cref="Dispose"/>.</summary>
    /// <exception cref="ObjectDisposedException">The lease was disposed, or is none.</exception>
    /// <exception cref="InvalidOperationException">The value lies in several pieces.</exception>
    public readonly ReadOnlySpan<byte> Span
    {
        get
        {
            ThrowIfEnded();
            return new ReadOnlySpan<byte>(_block, Length);
        }
    }

    /// <summary>
    /// The value as a sequence, for readers that want one; takes a little managed memory. Valid until <see cref="Dispose"/>: what is kept of it longer must not be read.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The lease was disposed, or is none.</exception>
    public readonly ReadOnlySequence<byte> AsSequence()
    {
        ThrowIfEnded();
        return Length == 0 ? ReadOnlySequence<byte>.Empty : new ReadOnlySequence<byte>(new LeasedMemory((byte*)_block, Length).Memory);
    }

    /// <summary>Copies the value.</summary>
    /// <param name="destination">At least <see cref="Length"/> bytes.</param>
    /// <exception cref="ArgumentException">The destination is too short.</exception>
    /// <exception cref="ObjectDisposedException">The lease was disposed, or is none.</exception>
    public readonly void CopyTo(Span<byte> destination) => Span.CopyTo(destination);

    /// <summary>Writes the value to a writer.</summary>
    /// <param name="destination">The writer. What it throws passes through.</param>
    /// <exception cref="ArgumentNullException">The writer is null.</exception>
    /// <exception cref="ObjectDisposedException">The lease was disposed, or is none.</exception>
    public readonly void CopyTo(IBufferWriter<byte> destination)
    {
        ArgumentNullException.ThrowIfNull(destination);
        destination.Write(Span);
    }

    /// <summary>Ends the lease. A second call does nothing.</summary>
    public void Dispose()
    {
        void* block = _block;
        if (block != null)
        {
            _block = null;
            Length = 0;
            _heap!.FreeForgotten(block);
        }
    }

    private readonly void ThrowIfEnded() => ObjectDisposedException.ThrowIf(_block == null, typeof(CacheLease));
}
