using System.Buffers;
using NativeMm.Heap;

namespace NativeMm.Buffers;

/// <summary>
/// Collects elements in one growing block outside of the garbage collector's heap, and behaves as <see cref="ArrayBufferWriter{T}"/> does. Not
/// thread-safe.
/// </summary>
/// <remarks>
/// <para>Unwritten elements read as zero, sizes and exceptions are those of <see cref="ArrayBufferWriter{T}"/>, and a <see cref="Memory{T}"/> that was
/// taken before a growth stays valid: its block is kept until <see cref="ToOwner"/> or <see cref="Dispose"/>, after which it throws
/// <see cref="ObjectDisposedException"/>. On a heap in checked mode it throws from the growth on.</para>
/// <para>A <see cref="Span{T}"/> must not be used after the next call of <see cref="GetSpan"/>, <see cref="GetMemory"/>, <see cref="ToOwner"/> or
/// <see cref="Dispose"/>, as with any buffer writer; it cannot be checked. The finalizer of a forgotten writer gives the memory back and
/// counts it in <see cref="ForgottenBuffers"/>; a memory keeps the writer alive, a span does not.</para>
/// </remarks>
/// <typeparam name="T">Any type without references.</typeparam>
public sealed unsafe class NativeBufferWriter<T> : IBufferWriter<T>, IDisposable
    where T : unmanaged
{
    /// <summary>Elements of the first block, unless more are asked for.</summary>
    private const int FirstElements = 256;

    /// <summary>Room of up to so many bytes is handed out as a whole.</summary>
    private const int WholeBytes = 128 << 10;

    /// <summary>Of more room, so many bytes are handed out at least.</summary>
    private const int AheadBytesMin = 16 << 10;

    /// <summary>
    /// Bytes of more room that are cleared ahead of the writing. They are still in the core's cache when they are written, so that clearing costs no
    /// memory traffic of its own.
    /// </summary>
    private const int AheadBytes = 32 << 10;

    private readonly NativeHeap _heap;
    private readonly WriterForesight _foresight = WriterForesight.OfProcess;
    private nuint _address;

    // What the block has: the capacity at least, and more when recent writers grew further.
    private nuint _blockBytes;
    private int _capacity;
    private int _written;

    // Elements from the start that are written, handed out or cleared: what follows them holds anything.
    private int _defined;
    private MemoryWindow<T>? _window;
    private List<MemoryWindow<T>>? _outgrown;
    private bool _disposed;

    /// <summary>Makes an empty writer without a block.</summary>
    /// <param name="heap">Where the memory comes from; <see cref="NativeHeap.Shared"/> if null.</param>
    public NativeBufferWriter(NativeHeap? heap = null) => _heap = heap ?? NativeHeap.Shared;

    /// <summary>Makes an empty writer that shares what it learns with some others only.</summary>
    internal NativeBufferWriter(NativeHeap heap, WriterForesight foresight)
        : this(heap) => _foresight = foresight;

    /// <summary>Makes an empty writer with room.</summary>
    /// <param name="initialCapacity">Elements to have room for at once, 1 or more.</param>
    /// <param name="heap">Where the memory comes from; <see cref="NativeHeap.Shared"/> if null.</param>
    /// <exception cref="ArgumentException">The capacity is 0 or negative.</exception>
    /// <exception cref="OutOfMemoryException">The heap cannot have so much.</exception>
    public NativeBufferWriter(int initialCapacity, NativeHeap? heap = null)
        : this(heap)
    {
        if (initialCapacity <= 0)
        {
            throw new ArgumentException($"The capacity is 1 to {int.MaxValue} elements, not {initialCapacity}.", nameof(initialCapacity));
        }

        MoveTo(initialCapacity);
    }

    /// <summary>Gives the memory of a forgotten writer back.</summary>
    ~NativeBufferWriter()
    {
        if (_address != 0)
        {
            HeapBlock.FreeForgotten(_heap, _address, _blockBytes);
        }

        // A memory of an outgrown block keeps its window alive, and that the writer: nobody can read these any more.
        FreeOutgrown();
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

    /// <summary>What was written up to now. It stays valid, with the content that it has at the next growth, until the writer ends.</summary>
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
    /// <exception cref="ArgumentException">The count is negative.</exception>
    /// <exception cref="InvalidOperationException">The count is more than there is room for.</exception>
    /// <exception cref="ObjectDisposedException">The writer is disposed.</exception>
    public void Advance(int count)
    {
        ThrowIfDisposed();
        if (count < 0)
        {
            throw new ArgumentException($"The count is 0 to {_capacity - _written} elements, not {count}.", nameof(count));
        }

        if (count > _capacity - _written)
        {
            throw new InvalidOperationException(
                $"The writer was advanced by {count} elements and has room for {_capacity - _written} more; ask GetSpan for more.");
        }

        _written += count;
        if (_written > _defined)
        {
            Define(_written);
        }
    }

    /// <summary>
    /// Room to write to, at least <paramref name="sizeHint"/> elements and never empty: all of <see cref="FreeCapacity"/> if that is at most 128 KiB, and
    /// else 16 KiB at least.
    /// </summary>
    /// <param name="sizeHint">Elements, 0 or more.</param>
    /// <returns>Elements to write, valid until the writer grows, is advanced or disposed. What was never written reads as zero.</returns>
    /// <exception cref="ArgumentException">The size is negative.</exception>
    /// <exception cref="OutOfMemoryException">
    /// The heap cannot have so much, or the writer would have more than <see cref="Array.MaxLength"/> elements. What is written stays.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The writer is disposed.</exception>
    public Span<T> GetSpan(int sizeHint = 0)
    {
        EnsureRoom(sizeHint);
        return new Span<T>((T*)_address + _written, _defined - _written);
    }

    /// <inheritdoc cref="GetSpan"/>
    public Memory<T> GetMemory(int sizeHint = 0)
    {
        EnsureRoom(sizeHint);
        return Window()[_written.._defined];
    }

    /// <summary>Writes some elements.</summary>
    /// <param name="elements">What to write; it must not lie in the writer itself, which may move.</param>
    /// <exception cref="OutOfMemoryException">
    /// The heap cannot have so much, or the writer would have more than <see cref="Array.MaxLength"/> elements. What is written stays.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The writer is disposed.</exception>
    public void Write(ReadOnlySpan<T> elements)
    {
        if (elements.Length > _defined - _written)
        {
            // What is about to be overwritten need not be cleared.
            ThrowIfDisposed();
            if (elements.Length > _capacity - _written)
            {
                Grow(elements.Length);
            }

            _defined = Math.Max(_defined, _written + elements.Length);
        }
        else
        {
            ThrowIfDisposed();
        }

        elements.CopyTo(new Span<T>((T*)_address + _written, elements.Length));
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
        EndMemories();
        Foresee();
        _blockBytes = (nuint)_written * (nuint)sizeof(T);
        _address = (nuint)_heap.Realloc((void*)_address, _blockBytes);
        _capacity = _defined = _written;
        var owner = new NativeBuffer<T>(_heap, _address, _written);
        Forget();
        return owner;
    }

    /// <summary>Gives the memory back. A second call does nothing.</summary>
    public void Dispose()
    {
        GC.SuppressFinalize(this);
        _disposed = true;
        EndMemories();
        Foresee();
        nuint address = _address;
        Forget();
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
            throw new ArgumentException($"The size is 0 to {int.MaxValue} elements, not {sizeHint}.", nameof(sizeHint));
        }

        int room = Math.Max(sizeHint, 1);
        if (room > _capacity - _written)
        {
            Grow(room);
        }

        if (_defined < _capacity)
        {
            DefineAhead(room);
        }
    }

    /// <summary>Clears the next piece, when there is little left of the one before.</summary>
    private void DefineAhead(int room)
    {
        int free = _capacity - _written;
        int ahead = free <= WholeBytes / sizeof(T) ? free : Math.Max(room, AheadBytesMin / sizeof(T));
        if (_defined - _written < ahead)
        {
            Define((int)Math.Min((long)_written + Math.Max(ahead, AheadBytes / sizeof(T)), _capacity));
        }
    }

    /// <summary>Clears up to there.</summary>
    private void Define(int end)
    {
        new Span<T>((T*)_address + _defined, end - _defined).Clear();
        _defined = end;
    }

    /// <summary>Doubles the capacity, or more if it must: the steps of <see cref="ArrayBufferWriter{T}"/>.</summary>
    private void Grow(int room)
    {
        long needed = (long)_written + room;
        if (needed > Array.MaxLength)
        {
            throw new OutOfMemoryException(
                $"The writer has {_written} elements and {room} more were asked for; together they may be {Array.MaxLength}, as in an array.");
        }

        long step = Math.Max(room, _capacity == 0 ? FirstElements : _capacity);
        MoveTo((int)Math.Min(_capacity + step, Array.MaxLength));
    }

    /// <summary>Gives the writer a larger capacity: in its block if that is as large, and nobody has a memory that ends with the old one.</summary>
    private void MoveTo(int capacity)
    {
        nuint bytes = (nuint)capacity * (nuint)sizeof(T);
        if (_window is null && bytes <= _blockBytes)
        {
            _capacity = capacity;
            return;
        }

        if (_window is not null)
        {
            // Room in the list first: once the block is allocated, nothing may fail. Blocks that memories keep are as small as can be.
            (_outgrown ??= []).EnsureCapacity(_outgrown.Count + 1);
        }
        else if (!_heap.IsChecked)
        {
            bytes = _foresight.BlockBytes(bytes);
        }

        // All that is defined is copied, as an array is: what was put there and not yet advanced over stays.
        var block = (nuint)_heap.AllocHere(bytes);
        new ReadOnlySpan<T>((void*)_address, _defined).CopyTo(new Span<T>((void*)block, _defined));
        nuint outgrown = _address;
        MemoryWindow<T>? window = _window;
        _address = block;
        _blockBytes = bytes;
        _capacity = capacity;
        _window = null;
        if (window is not null && !_heap.IsChecked)
        {
            _outgrown!.Add(window);
            return;
        }

        window?.Close();
        if (outgrown != 0)
        {
            HeapBlock.Free(_heap, outgrown);
        }
    }

    /// <summary>Remembers how far the writer grew, for those that come.</summary>
    private void Foresee() => _foresight.Learn((nuint)_capacity * (nuint)sizeof(T));

    /// <summary>Leaves the block to somebody else.</summary>
    private void Forget()
    {
        _address = 0;
        _blockBytes = 0;
        _capacity = 0;
        _written = 0;
        _defined = 0;
    }

    private Memory<T> Window() => _address == 0 ? default : MakeWindow();

    private Memory<T> MakeWindow() => (_window ??= new MemoryWindow<T>(this, _address, _capacity)).Memory;

    /// <summary>Makes every memory that was taken throw, and frees the blocks that only they kept.</summary>
    private void EndMemories()
    {
        _window?.Close();
        _window = null;
        FreeOutgrown();
    }

    private void FreeOutgrown()
    {
        if (_outgrown is not null)
        {
            foreach (MemoryWindow<T> window in _outgrown)
            {
                HeapBlock.Free(_heap, window.Close());
            }

            _outgrown = null;
        }
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
