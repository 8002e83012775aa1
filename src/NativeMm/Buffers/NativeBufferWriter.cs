using System.Buffers;
using NativeMm.Heap;

namespace NativeMm.Buffers;

/// <summary>
/// Collects elements in one growing block outside of the garbage collector's heap. Growth is a <c>Realloc</c>, which large blocks do without
/// copying. Not thread-safe.
/// </summary>
/// <remarks>
/// What was handed out before the next call of <see cref="GetSpan"/>, <see cref="GetMemory"/>, <see cref="ToOwner"/> or <see cref="Dispose"/>
/// must not be used after it, as with any buffer writer, because the block may have moved. A <see cref="Memory{T}"/> of a moved block throws
/// <see cref="ObjectDisposedException"/>; a <see cref="Span{T}"/> cannot be checked. The finalizer of a forgotten writer gives the memory back
/// and counts it in <see cref="ForgottenBuffers"/>; a memory keeps the writer alive, a span does not.
/// </remarks>
/// <typeparam name="T">Any type without references.</typeparam>
public sealed unsafe class NativeBufferWriter<T> : IBufferWriter<T>, IDisposable
    where T : unmanaged
{
    private const int FirstBytes = 256;

    private readonly NativeHeap _heap;
    private nuint _address;
    private int _capacity;
    private int _written;
    private MemoryWindow<T>? _window;
    private bool _disposed;

    /// <summary>Makes an empty writer.</summary>
    /// <param name="initialCapacity">Elements to have room for at once, 0 or more.</param>
    /// <param name="heap">Where the memory comes from; <see cref="NativeHeap.Shared"/> if null.</param>
    /// <exception cref="ArgumentOutOfRangeException">The capacity is negative.</exception>
    /// <exception cref="OutOfMemoryException">The heap cannot have so much.</exception>
    public NativeBufferWriter(int initialCapacity = 0, NativeHeap? heap = null)
    {
        if (initialCapacity < 0)
        {
            throw new ArgumentOutOfRangeException(nameof(initialCapacity), initialCapacity, $"The capacity is 0 to {int.MaxValue} elements.");
        }

        _heap = heap ?? NativeHeap.Shared;
        if (initialCapacity > 0)
        {
            Grow(initialCapacity);
        }
    }

    /// <summary>Gives the memory of a forgotten writer back.</summary>
    ~NativeBufferWriter()
    {
        if (_address != 0)
        {
            HeapBlock.FreeForgotten(_heap, _address, (nuint)_capacity * (nuint)sizeof(T));
        }
    }

    /// <summary>Elements written.</summary>
    public int WrittenCount => _written;

    /// <summary>Elements that the block has room for.</summary>
    public int Capacity => _capacity;

    /// <summary>Elements that fit without growing.</summary>
    public int FreeCapacity => _capacity - _written;

    /// <summary>What was written. Valid until the next growth.</summary>
    /// <exception cref="ObjectDisposedException">The writer is disposed.</exception>
    public ReadOnlySpan<T> WrittenSpan
    {
        get
        {
            ThrowIfDisposed();
            return new ReadOnlySpan<T>((void*)_address, _written);
        }
    }

    /// <summary>What was written. It throws after the next growth.</summary>
    /// <exception cref="ObjectDisposedException">The writer is disposed.</exception>
    public ReadOnlyMemory<T> WrittenMemory
    {
        get
        {
            ThrowIfDisposed();
            return Window()[.._written];
        }
    }

    /// <summary>Says how many elements of the last span or memory were written.</summary>
    /// <param name="count">0 to <see cref="FreeCapacity"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">The count is negative or more than there is room for.</exception>
    /// <exception cref="ObjectDisposedException">The writer is disposed.</exception>
    public void Advance(int count)
    {
        ThrowIfDisposed();
        if ((uint)count > (uint)(_capacity - _written))
        {
            throw new ArgumentOutOfRangeException(nameof(count), count, $"The writer has room for 0 to {_capacity - _written} more elements; ask GetSpan for more.");
        }

        _written += count;
    }

    /// <summary>Room to write to, at least <paramref name="sizeHint"/> elements and never empty.</summary>
    /// <param name="sizeHint">Elements, 0 or more.</param>
    /// <exception cref="ArgumentOutOfRangeException">The size is negative.</exception>
    /// <exception cref="InvalidOperationException">The writer would have more than <see cref="int.MaxValue"/> elements. What is written stays.</exception>
    /// <exception cref="OutOfMemoryException">The heap cannot have so much. What is written stays.</exception>
    /// <exception cref="ObjectDisposedException">The writer is disposed.</exception>
    public Span<T> GetSpan(int sizeHint = 0)
    {
        EnsureRoom(sizeHint);
        return new Span<T>((T*)_address + _written, _capacity - _written);
    }

    /// <inheritdoc cref="GetSpan"/>
    public Memory<T> GetMemory(int sizeHint = 0)
    {
        EnsureRoom(sizeHint);
        return Window()[_written..];
    }

    /// <summary>Writes some elements.</summary>
    /// <param name="elements">What to write; it must not lie in the writer itself, which may move.</param>
    /// <exception cref="InvalidOperationException">The writer would have more than <see cref="int.MaxValue"/> elements. What is written stays.</exception>
    /// <exception cref="OutOfMemoryException">The heap cannot have so much. What is written stays.</exception>
    /// <exception cref="ObjectDisposedException">The writer is disposed.</exception>
    public void Write(ReadOnlySpan<T> elements)
    {
        elements.CopyTo(GetSpan(elements.Length));
        _written += elements.Length;
    }

    /// <summary>Overwrites what was written with zeros and starts again; the block stays.</summary>
    /// <exception cref="ObjectDisposedException">The writer is disposed.</exception>
    public void Clear()
    {
        ThrowIfDisposed();
        new Span<T>((void*)_address, _written).Clear();
        _written = 0;
    }

    /// <summary>Starts again without overwriting; the block stays.</summary>
    /// <exception cref="ObjectDisposedException">The writer is disposed.</exception>
    public void ResetWrittenCount()
    {
        ThrowIfDisposed();
        _written = 0;
    }

    /// <summary>
    /// Hands what was written over to a buffer of its own, without copying where the heap can shrink in place. The writer is empty then and
    /// starts with a new block.
    /// </summary>
    /// <returns>A buffer of <see cref="WrittenCount"/> elements; the caller disposes it.</returns>
    /// <exception cref="ObjectDisposedException">The writer is disposed.</exception>
    public NativeBuffer<T> ToOwner()
    {
        ThrowIfDisposed();
        CloseWindow();
        _address = (nuint)_heap.Realloc((void*)_address, (nuint)_written * (nuint)sizeof(T));
        _capacity = _written;
        var owner = new NativeBuffer<T>(_heap, _address, _written);
        _address = 0;
        _capacity = 0;
        _written = 0;
        return owner;
    }

    /// <summary>Gives the memory back. A second call does nothing.</summary>
    public void Dispose()
    {
        GC.SuppressFinalize(this);
        _disposed = true;
        CloseWindow();
        nuint address = _address;
        _address = 0;
        _capacity = 0;
        _written = 0;
        if (address != 0)
        {
            HeapBlock.Free(_heap, address);
        }
    }

    private void EnsureRoom(int sizeHint)
    {
        ThrowIfDisposed();
        if (sizeHint < 0)
        {
            throw new ArgumentOutOfRangeException(nameof(sizeHint), sizeHint, $"The size is 0 to {int.MaxValue} elements.");
        }

        int room = Math.Max(sizeHint, 1);
        if (room > _capacity - _written)
        {
            Grow(room);
        }
    }

    private void Grow(int room)
    {
        long needed = (long)_written + room;
        if (needed > int.MaxValue)
        {
            throw new InvalidOperationException(
                $"The writer has {_written} elements and {room} more were asked for; together they may be {int.MaxValue}, what a span can hold.");
        }

        long wanted = Math.Min(Math.Max(needed, Math.Max(2L * _capacity, FirstBytes / sizeof(T))), int.MaxValue);

        // Closed before the block moves, so that at no moment a memory leads to freed bytes.
        CloseWindow();
        _address = (nuint)_heap.Realloc((void*)_address, (nuint)wanted * (nuint)sizeof(T));
        _capacity = (int)Math.Min(_heap.UsableSize((void*)_address) / (nuint)sizeof(T), int.MaxValue);
    }

    private Memory<T> Window() => _address == 0 ? default : (_window ??= new MemoryWindow<T>(this, _address, _capacity)).Memory;

    private void CloseWindow()
    {
        _window?.Close();
        _window = null;
    }

    private void ThrowIfDisposed()
    {
        if (_disposed)
        {
            throw new ObjectDisposedException(nameof(NativeBufferWriter<T>), "The buffer writer is disposed.");
        }

        _heap.ThrowIfDisposed();
    }
}
