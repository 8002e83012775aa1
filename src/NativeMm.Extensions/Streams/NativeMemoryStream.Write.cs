using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace NativeMm.Buffers;

/// <content>Writing.</content>
public sealed partial class NativeMemoryStream
{
    private const int WriterBytesDefault = 256;

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count)
    {
        ValidateBufferArguments(buffer, offset, count);
        Write(buffer.AsSpan(offset, count));
    }

    /// <inheritdoc/>
    /// <remarks>
    /// A write of nothing at a position behind the end makes the stream so long, as that of <see cref="MemoryStream"/> does. The bytes may be some of the stream's own,
    /// of <see cref="TryGetBuffer"/> say: they are written as they were.
    /// </remarks>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        ThrowIfDisposed();
        long end = End(buffer.Length);
        FillGap();

        // Bytes of the stream's own lie in one of its blocks: what is written there would be read for the others, and so it comes last.
        Span<byte> last = default;
        ReadOnlySpan<byte> lastBytes = default;
        while (!buffer.IsEmpty)
        {
            ref readonly StreamBlock block = ref Find(_position);
            int offset = (int)(_position - block.Start);
            int count = int.Min(block.Memory.Length - offset, buffer.Length);
            Span<byte> target = block.Span.Slice(offset, count);
            if (count < buffer.Length && buffer.Overlaps(target))
            {
                last = target;
                lastBytes = buffer[..count];
            }
            else
            {
                buffer[..count].CopyTo(target);
            }

            buffer = buffer[count..];
            _position += count;
        }

        lastBytes.CopyTo(last);

        _length = long.Max(_length, end);
    }

    /// <inheritdoc/>
    public override void WriteByte(byte value)
    {
        ThrowIfDisposed();
        long end = End(1);
        FillGap();
        ref readonly StreamBlock block = ref Find(_position);
        block.Array[block.Offset + (int)(_position - block.Start)] = value;
        _position = end;
        _length = long.Max(_length, end);
    }

    /// <inheritdoc/>
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        ValidateBufferArguments(buffer, offset, count);
        return WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    }

    /// <inheritdoc/>
    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "It is in the task, as that of MemoryStream is.")]
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled(cancellationToken);
        }

        try
        {
            Write(buffer.Span);
            return ValueTask.CompletedTask;
        }
        catch (Exception failure)
        {
            return ValueTask.FromException(failure);
        }
    }

    /// <summary>Room at the position, to be written and then confirmed by <see cref="Advance"/>. Its bytes hold anything.</summary>
    /// <param name="sizeHint">Bytes at least; 0 for some.</param>
    /// <returns>At least <paramref name="sizeHint"/> bytes and never empty, valid until the next call that writes, seeks, cuts or disposes.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The size is negative.</exception>
    /// <exception cref="IOException">So much would lie behind <see cref="LengthMax"/>.</exception>
    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        ThrowIfDisposed();
        ArgumentOutOfRangeException.ThrowIfNegative(sizeHint);
        StreamBlocks blocks = Blocks;
        blocks.Scratch?.Dispose();
        blocks.Scratch = null;
        int wanted = int.Max(sizeHint, 1);
        ThrowIfTooLong(wanted);
        if (_position >= Room)
        {
            EnsureCapacity(long.Min(_position + int.Max(sizeHint, WriterBytesDefault), LengthMax));
        }

        ref readonly StreamBlock block = ref Find(_position);
        Memory<byte> rest = block.Memory[(int)(_position - block.Start)..];
        if (rest.Length >= wanted)
        {
            return rest;
        }

        // So much does not lie together here: it is written elsewhere and copied.
        blocks.Scratch = _pool.RentMemory(wanted);
        return blocks.Scratch.Memory;
    }

    /// <inheritdoc cref="GetMemory"/>
    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    /// <summary>Says how many bytes of the last span or memory were written, and moves the position behind them.</summary>
    /// <param name="count">0 to the length of that.</param>
    /// <exception cref="ArgumentOutOfRangeException">The count is negative.</exception>
    /// <exception cref="InvalidOperationException">The count is more than was handed out.</exception>
    public void Advance(int count)
    {
        ThrowIfDisposed();
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        if (Blocks.Scratch is { } scratch)
        {
            ThrowIfBeyond(count, scratch.Memory.Length);
            Write(scratch.Memory.Span[..count]);
            Blocks.Scratch = null;
            scratch.Dispose();
            return;
        }

        if (count == 0)
        {
            return;
        }

        ThrowIfBeyond(count, _position < Room ? Find(_position).End - _position : 0);
        FillGap();
        _position += count;
        _length = long.Max(_length, _position);
    }

    private static void ThrowIfBeyond(int count, long room)
    {
        if (count > room)
        {
            throw new InvalidOperationException($"The stream was advanced by {count} bytes and handed out {room}; ask GetSpan for more.");
        }
    }

    /// <summary>Makes room for a write at the position, and gives its end.</summary>
    private long End(int count)
    {
        ThrowIfTooLong(count);
        long end = _position + count;
        if (end > Room)
        {
            EnsureCapacity(end);
        }

        return end;
    }

    private void ThrowIfTooLong(int count)
    {
        if (count > LengthMax - _position)
        {
            throw new IOException($"A stream has at most {LengthMax} bytes; at {_position} no {count} can be written.");
        }
    }

    /// <summary>What lies between the end and a position behind it was never written: it reads as zero.</summary>
    private void FillGap()
    {
        if (_position > _length)
        {
            Clear(_length, _position);
        }
    }
}
