using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using NativeMm.Heap;
using NativeMm.Primitives;

namespace NativeMm.Buffers;

/// <summary>
/// An array of elements outside of the garbage collector's heap: never moved, so pinning is free, and given back at <see cref="Dispose()"/>,
/// not some time later.
/// </summary>
/// <remarks>
/// <para>The elements may be used by any number of threads as those of an array. <see cref="Dispose()"/> may be called by any thread and more
/// than once; the memory goes back once. It must not run beside a use of the elements: a <see cref="Span{T}"/> or pointer taken before is
/// not checked any more. A <see cref="Memory{T}"/> taken before throws <see cref="ObjectDisposedException"/>.</para>
/// <para>The finalizer of a forgotten buffer gives the memory back and counts it in <see cref="ForgottenBuffers"/>. A span does not keep the
/// buffer alive, a <see cref="Memory{T}"/> and a pin do: hold the buffer in a <c>using</c> while its spans are in use.</para>
/// <para>The buffer does not keep its heap from being disposed; then its elements are gone with the heap.</para>
/// </remarks>
/// <typeparam name="T">Any type without references.</typeparam>
public sealed unsafe class NativeBuffer<T> : MemoryManager<T>
    where T : unmanaged
{
    private const int SegmentLengthMax = 1 << 30;

    private readonly NativeHeap _heap;
    private readonly long _length;
    private nuint _address;

    /// <summary>Allocates a buffer.</summary>
    /// <param name="length">Elements, 0 or more; more than <see cref="int.MaxValue"/> is allowed, see <see cref="Slice"/>.</param>
    /// <param name="zeroed">Whether the elements start as zero; if not, they hold anything.</param>
    /// <param name="alignment">Bytes of which the address is a multiple: a power of two, or 0 for the heap's own (16).</param>
    /// <param name="heap">Where the memory comes from; <see cref="NativeHeap.Shared"/> if null.</param>
    /// <exception cref="ArgumentOutOfRangeException">The length is negative or its bytes exceed the address space.</exception>
    /// <exception cref="ArgumentException">The alignment is not a power of two.</exception>
    /// <exception cref="OutOfMemoryException">The heap cannot have so much.</exception>
    public NativeBuffer(long length, bool zeroed = false, nuint alignment = 0, NativeHeap? heap = null)
    {
        if (length < 0 || length > (long)(nuint.MaxValue >> 1) / sizeof(T))
        {
            throw new ArgumentOutOfRangeException(
                nameof(length), length, $"A buffer of {typeof(T).Name} holds 0 to {(long)(nuint.MaxValue >> 1) / sizeof(T)} elements.");
        }

        if (alignment != 0 && !nuint.IsPow2(alignment))
        {
            throw new ArgumentException($"The alignment is {alignment}; it must be a power of two, or 0 for the heap's own.", nameof(alignment));
        }

        _heap = heap ?? NativeHeap.Shared;
        _length = length;
        _address = HeapBlock.Alloc(_heap, (nuint)length * (nuint)sizeof(T), alignment, zeroed);
    }

    internal NativeBuffer(NativeHeap heap, nuint address, long length)
    {
        _heap = heap;
        _length = length;
        _address = address;
    }

#pragma warning disable CA2015 // A span outliving a forgotten buffer is the lesser evil beside native memory that never comes back; see the remarks.
    /// <summary>Gives the memory of a forgotten buffer back.</summary>
    ~NativeBuffer() => Dispose(false);
#pragma warning restore CA2015

    /// <summary>Elements in the buffer; it stays readable after <see cref="Dispose()"/>.</summary>
    public long Length => _length;

    /// <summary>Bytes in the buffer.</summary>
    public long ByteLength => _length * sizeof(T);

    /// <summary>Whether the memory went back already.</summary>
    public bool IsDisposed => Atomic.LoadAcquire(ref _address) == 0;

    /// <summary>The first element. Valid until <see cref="Dispose()"/>; the buffer stays the owner. Aligned as asked for.</summary>
    /// <exception cref="ObjectDisposedException">The buffer is disposed.</exception>
    public T* Pointer => (T*)Address();

    /// <summary>All elements.</summary>
    /// <exception cref="ObjectDisposedException">The buffer is disposed.</exception>
    /// <exception cref="InvalidOperationException">There are more than <see cref="int.MaxValue"/>; use <see cref="Slice"/>.</exception>
    public Span<T> Span => GetSpan();

    /// <summary>One element.</summary>
    /// <param name="index">0 to <see cref="Length"/> − 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">The index is outside.</exception>
    /// <exception cref="ObjectDisposedException">The buffer is disposed.</exception>
    public ref T this[long index]
    {
        get
        {
            T* first = (T*)Address();
            if ((ulong)index >= (ulong)_length)
            {
                ThrowOutside(nameof(index), index);
            }

            return ref first[index];
        }
    }

    /// <summary>Some elements of a buffer of any length.</summary>
    /// <param name="start">First element, 0 to <see cref="Length"/>.</param>
    /// <param name="length">Elements, 0 to what is left from <paramref name="start"/>.</param>
    /// <returns>The elements, valid until the buffer is disposed.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The range is not inside the buffer.</exception>
    /// <exception cref="ObjectDisposedException">The buffer is disposed.</exception>
    public Span<T> Slice(long start, int length)
    {
        T* first = (T*)Address();
        if ((ulong)start > (ulong)_length)
        {
            ThrowOutside(nameof(start), start);
        }

        if (length < 0 || length > _length - start)
        {
            throw new ArgumentOutOfRangeException(nameof(length), length, $"From element {start} on, the buffer has {_length - start} elements.");
        }

        return new Span<T>(first + start, length);
    }

    /// <summary>All elements of a buffer of any length, as segments of at most 2³⁰ elements.</summary>
    /// <returns>The elements in their order, valid until the buffer is disposed; empty for a buffer of none.</returns>
    /// <exception cref="ObjectDisposedException">The buffer is disposed.</exception>
    public ReadOnlySequence<T> AsSequence()
    {
        _ = Address();
        if (_length <= SegmentLengthMax)
        {
            return new ReadOnlySequence<T>(Memory);
        }

        var first = new NativeBufferSegment<T>(this, 0, SegmentLengthMax);
        NativeBufferSegment<T> last = first;
        for (long start = SegmentLengthMax; start < _length; start += SegmentLengthMax)
        {
            last = last.Append(this, start, (int)Math.Min(SegmentLengthMax, _length - start));
        }

        return new ReadOnlySequence<T>(first, 0, last, last.Memory.Length);
    }

    /// <inheritdoc/>
    public override Span<T> GetSpan()
    {
        T* first = (T*)Address();
        return _length <= int.MaxValue
            ? new Span<T>(first, (int)_length)
            : throw new InvalidOperationException($"The buffer has {_length} elements and a span holds at most {int.MaxValue}; use Slice or AsSequence.");
    }

    /// <summary>Gives the address of an element, and keeps the buffer from being finalized while the handle is held. Costs nothing else.</summary>
    /// <remarks>The handle does not hold the memory: with Dispose it goes, whether a handle is open or not.</remarks>
    /// <param name="elementIndex">0 to <see cref="Length"/>.</param>
    /// <returns>A handle with the address, to be disposed by whoever asked for it.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The index is outside.</exception>
    /// <exception cref="ObjectDisposedException">The buffer is disposed.</exception>
    public override MemoryHandle Pin(int elementIndex = 0)
    {
        T* first = (T*)Address();
        if ((ulong)elementIndex > (ulong)_length)
        {
            ThrowOutside(nameof(elementIndex), elementIndex);
        }

        return new MemoryHandle(first + elementIndex, default, this);
    }

    /// <summary>Nothing to do: the memory never moves.</summary>
    public override void Unpin()
    {
    }

    /// <summary>Gives the memory back. A second call does nothing.</summary>
    public void Dispose() => ((IDisposable)this).Dispose();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        nuint address = Atomic.Exchange(ref _address, 0);
        if (address == 0)
        {
            return;
        }

        if (disposing)
        {
            HeapBlock.Free(_heap, address);
        }
        else
        {
            HeapBlock.FreeForgotten(_heap, address, (nuint)ByteLength);
        }
    }

    private nuint Address()
    {
        nuint address = Atomic.LoadAcquire(ref _address);
        if (address == 0)
        {
            ThrowDisposed();
        }

        return address;
    }

    [DoesNotReturn]
    private static void ThrowDisposed() => throw new ObjectDisposedException(nameof(NativeBuffer<T>), "The native buffer is disposed.");

    [DoesNotReturn]
    private void ThrowOutside(string name, long value) =>
        throw new ArgumentOutOfRangeException(name, value, $"The buffer has {_length} elements.");
}
