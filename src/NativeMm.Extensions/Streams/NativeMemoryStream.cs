using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using NativeMm.Primitives;

namespace NativeMm.Buffers;

/// <summary>
/// A stream in memory, in place of <see cref="MemoryStream"/>: its blocks come from a <see cref="NativeBufferPool"/> and go back at
/// <see cref="Stream.Dispose()"/>, it grows without copying, and it may be longer than 2 GiB. Not thread-safe.
/// </summary>
/// <remarks>
/// <para>Reading, writing, seeking and their exceptions are those of <see cref="MemoryStream"/>. It can also be written as an
/// <see cref="IBufferWriter{T}"/>, at its position, and read as a <see cref="ReadOnlySequence{T}"/> without a copy. After the disposal its
/// members throw <see cref="ObjectDisposedException"/>, but for a flush and <see cref="CanRead"/> and its like; also those that read the content, which a
/// <see cref="MemoryStream"/> still has then: it is back in the pool here.</para>
/// <para>Dispose it: the finalizer of a forgotten stream returns its blocks late, and counts it in <see cref="ForgottenBuffers"/>.</para>
/// </remarks>
public sealed partial class NativeMemoryStream : Stream, IBufferWriter<byte>
{
    /// <summary>Most bytes of a stream, and its furthest position: 1 TiB.</summary>
    public const long LengthMax = 1L << 40;

    private const int DoubledBytesMax = 1 << 20;
    private const int BlockBytesMax = 64 << 20;

    private readonly NativeBufferPool _pool;
    private StreamBlocks? _held;
    private int _current;
    private long _position;
    private long _length;

    /// <summary>Makes an empty stream that can be read and written.</summary>
    /// <param name="pool">Where its blocks come from; null for <see cref="NativeBufferPool.Shared"/>.</param>
    public NativeMemoryStream(NativeBufferPool? pool = null)
    {
        _pool = pool ?? NativeBufferPool.Shared;
        _held = StreamBlocks.Take();
    }

    /// <summary>Makes an empty stream with room.</summary>
    /// <param name="capacity">Bytes to have room for at once, 0 to <see cref="LengthMax"/>.</param>
    /// <param name="pool">Where its blocks come from; null for <see cref="NativeBufferPool.Shared"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">The capacity is out of its range.</exception>
    /// <exception cref="OutOfMemoryException">There is no managed memory for it.</exception>
    public NativeMemoryStream(long capacity, NativeBufferPool? pool = null)
        : this(pool)
    {
        ThrowIfOutOfRange(capacity, 0);
        EnsureCapacity(capacity);
    }

    /// <summary>Makes a stream that holds a copy of some bytes, to be read from its beginning.</summary>
    /// <param name="content">The bytes.</param>
    /// <param name="pool">Where its blocks come from; null for <see cref="NativeBufferPool.Shared"/>.</param>
    public NativeMemoryStream(ReadOnlySpan<byte> content, NativeBufferPool? pool = null)
        : this(pool)
    {
        Write(content);
        _position = 0;
        _current = 0;
    }

    /// <inheritdoc/>
    public override bool CanRead => IsOpen;

    /// <inheritdoc/>
    public override bool CanSeek => IsOpen;

    /// <inheritdoc/>
    public override bool CanWrite => IsOpen;

    /// <inheritdoc/>
    public override long Length
    {
        get
        {
            ThrowIfDisposed();
            return _length;
        }
    }

    /// <summary>The place of the next read or write; it may lie behind the end, and the bytes between read as zero once something is written there.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative, or more than <see cref="LengthMax"/>.</exception>
    public override long Position
    {
        get
        {
            ThrowIfDisposed();
            return _position;
        }

        set
        {
            ThrowIfDisposed();
            ThrowIfOutOfRange(value, 0);
            _position = value;
        }
    }

    /// <summary>Bytes that fit without another block. Setting it rounds up to whole blocks; blocks behind it are returned.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is less than <see cref="Length"/>, or more than <see cref="LengthMax"/>.</exception>
    public long Capacity
    {
        get
        {
            ThrowIfDisposed();
            return Room;
        }

        set
        {
            ThrowIfDisposed();
            ThrowIfOutOfRange(value, _length);
            StreamBlocks blocks = Blocks;
            int kept = blocks.Count;
            while (kept != 0 && blocks.Items[kept - 1].Start >= value)
            {
                kept--;
            }

            _current = 0;
            blocks.ReturnFrom(kept);
            EnsureCapacity(value);
        }
    }

    /// <summary>The blocks of a stream that is not disposed.</summary>
    private StreamBlocks Blocks => _held!;

    private bool IsOpen => _held is { IsEnded: false };

    private long Room => Blocks.Room;

    /// <summary>Goes to a place.</summary>
    /// <param name="offset">Bytes from the origin; may be negative.</param>
    /// <param name="origin">The beginning, the position or the end.</param>
    /// <returns>The new position, in bytes from the beginning; it may lie behind the end.</returns>
    /// <exception cref="IOException">It lies before the beginning.</exception>
    /// <exception cref="ArgumentOutOfRangeException">It lies behind <see cref="LengthMax"/>.</exception>
    /// <exception cref="ArgumentException">The origin is none.</exception>
    public override long Seek(long offset, SeekOrigin origin)
    {
        ThrowIfDisposed();
        long from = origin switch
        {
            SeekOrigin.Begin => 0,
            SeekOrigin.Current => _position,
            SeekOrigin.End => _length,
            _ => throw new ArgumentException($"The origin is Begin, Current or End, not {origin}.", nameof(origin)),
        };
        if (offset > LengthMax - from)
        {
            throw new ArgumentOutOfRangeException(
                nameof(offset), offset, $"A stream has at most {LengthMax} bytes; from {origin}, at {from}, an offset is {LengthMax - from} at most, not {offset}.");
        }

        // Of a sum that begins at 0 or more and is not too large nothing overflows.
        long target = from + offset;
        if (target < 0)
        {
            throw new IOException($"The place {target} lies before the beginning of the stream.");
        }

        return _position = target;
    }

    /// <summary>Cuts the stream off, or makes it longer by bytes that read as zero. A position behind the new end goes to it.</summary>
    /// <param name="value">The new length in bytes, up to <see cref="LengthMax"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">The length is negative, or more than <see cref="LengthMax"/>.</exception>
    /// <exception cref="OutOfMemoryException">There is no managed memory for it; the stream is as it was.</exception>
    public override void SetLength(long value)
    {
        ThrowIfDisposed();
        ThrowIfOutOfRange(value, 0);
        if (value > _length)
        {
            EnsureCapacity(value);
            Clear(_length, value);
        }

        _length = value;
        _position = long.Min(_position, value);
    }

    /// <summary>Does nothing, after the disposal too: a writer that is disposed after its stream, with nothing left to write, may flush.</summary>
    public override void Flush()
    {
    }

    /// <summary>Does nothing, after the disposal too.</summary>
    /// <inheritdoc cref="Stream.FlushAsync(CancellationToken)"/>
    public override Task FlushAsync(CancellationToken cancellationToken) =>
        cancellationToken.IsCancellationRequested ? Task.FromCanceled(cancellationToken) : Task.CompletedTask;

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        // [A1] of several disposals, on several threads too, one has the blocks.
        StreamBlocks? held = _held;
        if (held is { IsEnded: false } && Atomic.CompareExchange(ref _held, held, null))
        {
            held.PutBack();
        }

        base.Dispose(disposing);
    }

    /// <summary>Adds blocks: each as large as all before it, later half as large, so that a stream of any length has few.</summary>
    /// <exception cref="OutOfMemoryException">There is no managed memory for them; those that were added are back in the pool.</exception>
    private void EnsureCapacity(long bytes)
    {
        StreamBlocks blocks = Blocks;
        int before = blocks.Count;
        bool isDone = false;
        try
        {
            AddBlocks(blocks, bytes);
            isDone = true;
        }
        finally
        {
            if (!isDone)
            {
                blocks.ReturnFrom(before);
            }
        }
    }

    private void AddBlocks(StreamBlocks blocks, long bytes)
    {
        if (blocks.Count == 0 && bytes is > 0 and <= StreamBlocks.OwnBytes && _pool.AllowsOwnBlocks && blocks.TryAddOwn())
        {
            return;
        }

        for (long room = blocks.Room; room < bytes; room = blocks.Room)
        {
            int least = _pool.Store.Options.BlockBytesMin;
            int missing = (int)long.Clamp(bytes - room, least, BlockBytesMax);
            long growth = long.Clamp(room < DoubledBytesMax ? room : room / 2, least, BlockBytesMax);

            // The pool rounds up to a power of two; growth needs no more than it says.
            blocks.Add(_pool, int.Max(missing, 1 << int.Log2((int)growth)));
        }
    }

    /// <summary>The block that a position lies in; it must be below the capacity. Mostly the last one that was asked for, or the next.</summary>
    private ref readonly StreamBlock Find(long position)
    {
        StreamBlock[] items = Blocks.Items;
        int current = position < items[_current].Start ? 0 : _current;
        while (position >= items[current].End)
        {
            current++;
        }

        _current = current;
        return ref items[current];
    }

    private void Clear(long from, long to)
    {
        while (from < to)
        {
            ref readonly StreamBlock block = ref Find(from);
            int offset = (int)(from - block.Start);
            int count = (int)long.Min(block.Memory.Length - offset, to - from);
            _pool.Store.Clear(block.Span.Slice(offset, count));
            from += count;
        }
    }

    private static void ThrowIfOutOfRange(long value, long min, [CallerArgumentExpression(nameof(value))] string? name = null)
    {
        if (value < min || value > LengthMax)
        {
            throw new ArgumentOutOfRangeException(name, value, $"It is {min} to {LengthMax} bytes, not {value}.");
        }
    }

    private void ThrowIfDisposed()
    {
        if (!IsOpen)
        {
            ThrowDisposed();
        }
    }

    [DoesNotReturn]
    private static void ThrowDisposed() => throw new ObjectDisposedException(nameof(NativeMemoryStream), "The stream is disposed; its memory is back in the pool.");
}
