using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace NativeMm.Buffers;

/// <content>Reading, and handing on.</content>
public sealed partial class NativeMemoryStream
{
    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count)
    {
        ValidateBufferArguments(buffer, offset, count);
        return Read(buffer.AsSpan(offset, count));
    }

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        ThrowIfDisposed();
        int total = 0;
        while (!buffer.IsEmpty && _position < _length)
        {
            ReadOnlySpan<byte> rest = RestOfBlock().Span;
            int count = int.Min(rest.Length, buffer.Length);
            rest[..count].CopyTo(buffer);
            buffer = buffer[count..];
            _position += count;
            total += count;
        }

        return total;
    }

    /// <inheritdoc/>
    public override int ReadByte()
    {
        ThrowIfDisposed();
        if (_position >= _length)
        {
            return -1;
        }

        ref readonly StreamBlock block = ref Find(_position);
        return block.Array[block.Offset + (int)(_position++ - block.Start)];
    }

    /// <inheritdoc/>
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        ValidateBufferArguments(buffer, offset, count);
        return ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    }

    /// <inheritdoc/>
    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "It is in the task, as that of MemoryStream is.")]
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<int>(cancellationToken);
        }

        try
        {
            return ValueTask.FromResult(Read(buffer.Span));
        }
        catch (Exception failure)
        {
            return ValueTask.FromException<int>(failure);
        }
    }

    /// <summary>
    /// Goes to the end, and writes what followed the position to another stream, block by block. What that one adds to this stream meanwhile, or is this stream
    /// itself, is not copied.
    /// </summary>
    /// <inheritdoc cref="Stream.CopyTo(Stream, int)"/>
    public override void CopyTo(Stream destination, int bufferSize)
    {
        ValidateCopyToArguments(destination, bufferSize);
        ThrowIfDisposed();
        long from = GoToEnd();
        WriteRange(destination, from, _length);
    }

    /// <summary>
    /// Goes to the end, and writes what followed the position to another stream, block by block and without a copy. What that one adds to this stream meanwhile, or
    /// is this stream itself, is not copied.
    /// </summary>
    /// <inheritdoc cref="Stream.CopyToAsync(Stream, int, CancellationToken)"/>
    public override Task CopyToAsync(Stream destination, int bufferSize, CancellationToken cancellationToken)
    {
        ValidateCopyToArguments(destination, bufferSize);
        ThrowIfDisposed();
        return cancellationToken.IsCancellationRequested ? Task.FromCanceled(cancellationToken)
            : WriteRangeAsync(destination, GoToEnd(), _length, cancellationToken);
    }

    /// <summary>Writes the whole content to another stream, wherever the position is, and leaves that alone.</summary>
    /// <param name="destination">The other stream.</param>
    /// <exception cref="ArgumentNullException">The stream is null.</exception>
    public void WriteTo(Stream destination)
    {
        ArgumentNullException.ThrowIfNull(destination);
        ThrowIfDisposed();
        WriteRange(destination, 0, _length);
    }

    /// <summary>Writes a part of the content to another stream, wherever the position is, and leaves that alone.</summary>
    /// <param name="destination">The other stream.</param>
    /// <param name="offset">Where the part begins, 0 to <see cref="Length"/>.</param>
    /// <param name="count">Its bytes, 0 to what follows the offset.</param>
    /// <exception cref="ArgumentOutOfRangeException">So much is not there.</exception>
    /// <exception cref="ArgumentNullException">The stream is null.</exception>
    public void WriteTo(Stream destination, long offset, long count)
    {
        ArgumentNullException.ThrowIfNull(destination);
        ThrowIfDisposed();
        if (offset < 0 || offset > _length)
        {
            throw new ArgumentOutOfRangeException(nameof(offset), offset, $"The stream has {_length} bytes: a part begins at 0 to {_length}, not at {offset}.");
        }

        if (count < 0 || count > _length - offset)
        {
            throw new ArgumentOutOfRangeException(nameof(count), count, $"The stream has {_length} bytes: from {offset} a part has 0 to {_length - offset}, not {count}.");
        }

        WriteRange(destination, offset, offset + count);
    }

    /// <summary>
    /// Reads from a place of its own and leaves the position alone. Several threads may do so at once, as long as nobody writes, cuts off or disposes.
    /// </summary>
    /// <param name="buffer">Where the bytes go.</param>
    /// <param name="position">The place, 0 and more; behind the end there is nothing to read.</param>
    /// <returns>How many bytes were read: fewer than there is room for at the end of the stream.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The place is negative.</exception>
    public int ReadAt(Span<byte> buffer, long position)
    {
        ThrowIfDisposed();
        ArgumentOutOfRangeException.ThrowIfNegative(position);
        if (position >= _length)
        {
            return 0;
        }

        StreamBlocks blocks = Blocks;
        int total = (int)long.Min(buffer.Length, _length - position);
        buffer = buffer[..total];
        for (int i = blocks.IndexOf(position); !buffer.IsEmpty; i++)
        {
            ref readonly StreamBlock block = ref blocks.Items[i];
            ReadOnlySpan<byte> rest = block.Span[(int)(position - block.Start)..];
            int count = int.Min(rest.Length, buffer.Length);
            rest[..count].CopyTo(buffer);
            buffer = buffer[count..];
            position += count;
        }

        return total;
    }

    /// <summary>A copy of the whole content.</summary>
    /// <returns>A new array, which is the caller's; an empty one for an empty stream.</returns>
    /// <exception cref="InvalidOperationException">It is longer than an array can be.</exception>
    public byte[] ToArray()
    {
        ThrowIfDisposed();
        if (_length > Array.MaxLength)
        {
            throw new InvalidOperationException($"The stream has {_length} bytes, an array at most {Array.MaxLength}; take GetReadOnlySequence.");
        }

        byte[] copy = GC.AllocateUninitializedArray<byte>((int)_length);
        ReadAt(copy, 0);
        return copy;
    }

    /// <summary>The whole content without a copy, wherever the position is. It is valid until the stream is cut off or disposed.</summary>
    /// <returns>The bytes from the first to the last, in a segment for each block; empty for an empty stream.</returns>
    public ReadOnlySequence<byte> GetReadOnlySequence()
    {
        ThrowIfDisposed();
        if (_length == 0)
        {
            return ReadOnlySequence<byte>.Empty;
        }

        StreamBlocks blocks = Blocks;
        if (_length <= blocks.Items[0].Memory.Length)
        {
            return new ReadOnlySequence<byte>(ContentOf(0));
        }

        var first = new StreamSegment(ContentOf(0), null);
        StreamSegment last = first;
        for (int i = 1; i < blocks.Count && blocks.Items[i].Start < _length; i++)
        {
            last = new StreamSegment(ContentOf(i), last);
        }

        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    /// <summary>The content as a part of an array, if it lies in one block. It is valid until the stream is cut off or disposed.</summary>
    /// <param name="buffer">The content, if it lies in one block; empty otherwise.</param>
    /// <returns>Whether it lies in one block; false leaves <paramref name="buffer"/> empty.</returns>
    public bool TryGetBuffer(out ArraySegment<byte> buffer)
    {
        ThrowIfDisposed();
        StreamBlocks blocks = Blocks;
        bool isOne = blocks.Count != 0 && _length <= blocks.Items[0].Memory.Length;
        buffer = isOne ? new ArraySegment<byte>(blocks.Items[0].Array, blocks.Items[0].Offset, (int)_length) : ArraySegment<byte>.Empty;
        return isOne || _length == 0;
    }

    /// <summary>Moves the position to the end, unless it lies behind it, and gives where it was.</summary>
    private long GoToEnd()
    {
        long from = _position;
        _position = long.Max(from, _length);
        return from;
    }

    // The other stream is foreign code, and may be this one: the part is what it was at the beginning, or what is left of that, and its block is looked for each time.
    private void WriteRange(Stream destination, long from, long to)
    {
        while (TryTake(ref from, to, out ReadOnlyMemory<byte> piece))
        {
            destination.Write(piece.Span);
        }
    }

    private async Task WriteRangeAsync(Stream destination, long from, long to, CancellationToken cancellationToken)
    {
        while (TryTake(ref from, to, out ReadOnlyMemory<byte> piece))
        {
            await destination.WriteAsync(piece, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>The next piece of a part, up to the end of its block, of the part or of the content.</summary>
    private bool TryTake(ref long from, long to, out ReadOnlyMemory<byte> piece)
    {
        ThrowIfDisposed();
        to = long.Min(to, _length);
        if (from >= to)
        {
            piece = default;
            return false;
        }

        ref readonly StreamBlock block = ref Blocks.Items[Blocks.IndexOf(from)];
        int offset = (int)(from - block.Start);
        piece = block.Memory.Slice(offset, (int)long.Min(block.Memory.Length - offset, to - from));
        from += piece.Length;
        return true;
    }

    private ReadOnlyMemory<byte> ContentOf(int index)
    {
        ref readonly StreamBlock block = ref Blocks.Items[index];
        return block.Memory[..(int)long.Min(block.Memory.Length, _length - block.Start)];
    }

    /// <summary>From the position to the end of its block, or of the content.</summary>
    private ReadOnlyMemory<byte> RestOfBlock()
    {
        ref readonly StreamBlock block = ref Find(_position);
        int offset = (int)(_position - block.Start);
        return block.Memory.Slice(offset, (int)long.Min(block.Memory.Length - offset, _length - _position));
    }
}
