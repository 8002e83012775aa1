namespace NativeMm.Buffers;

/// <summary>A <see cref="PagedMemory"/> as a stream of fixed length.</summary>
internal sealed class PagedMemoryStream : Stream
{
    private readonly PagedMemory _memory;
    private long _position;
    private bool _isClosed;

    public PagedMemoryStream(PagedMemory memory)
    {
        _memory = memory;
    }

    /// <inheritdoc/>
    public override bool CanRead => !_isClosed;

    /// <inheritdoc/>
    public override bool CanSeek => !_isClosed;

    /// <inheritdoc/>
    public override bool CanWrite => !_isClosed;

    /// <inheritdoc/>
    public override long Length
    {
        get
        {
            ThrowIfClosed();
            return _memory.Length;
        }
    }

    /// <inheritdoc/>
    public override long Position
    {
        get
        {
            ThrowIfClosed();
            return _position;
        }

        set
        {
            ThrowIfClosed();
            _position = value >= 0 ? value : throw new ArgumentOutOfRangeException(nameof(value), value, $"A position is 0 or more, not {value}.");
        }
    }

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        int count = (int)Math.Clamp(Length - _position, 0, buffer.Length);
        if (count > 0)
        {
            _memory.Read(_position, buffer[..count]);
            _position += count;
        }

        return count;
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count)
    {
        ValidateBufferArguments(buffer, offset, count);
        return Read(buffer.AsSpan(offset, count));
    }

    /// <inheritdoc/>
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        _isClosed ? Task.FromException<int>(Closed()) : base.ReadAsync(buffer, offset, count, cancellationToken);

    /// <inheritdoc/>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        _isClosed ? ValueTask.FromException<int>(Closed()) : base.ReadAsync(buffer, cancellationToken);

    /// <inheritdoc/>
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        _isClosed ? Task.FromException(Closed()) : base.WriteAsync(buffer, offset, count, cancellationToken);

    /// <inheritdoc/>
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        _isClosed ? ValueTask.FromException(Closed()) : base.WriteAsync(buffer, cancellationToken);

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (buffer.IsEmpty)
        {
            ThrowIfClosed();
            return;
        }

        if (buffer.Length > Length - _position)
        {
            throw new IOException($"{buffer.Length} bytes at position {_position} do not fit into a memory of {Length} bytes.");
        }

        _memory.Write(_position, buffer);
        _position += buffer.Length;
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count)
    {
        ValidateBufferArguments(buffer, offset, count);
        Write(buffer.AsSpan(offset, count));
    }

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin)
    {
        ThrowIfClosed();
        long from = origin switch
        {
            SeekOrigin.Begin => 0,
            SeekOrigin.Current => _position,
            SeekOrigin.End => Length,
            _ => throw new ArgumentOutOfRangeException(nameof(origin), origin, "The origin is Begin, Current or End."),
        };
        if (offset > long.MaxValue - from)
        {
            throw new ArgumentOutOfRangeException(nameof(offset), offset, $"An offset from {from} on is at most {long.MaxValue - from}, not {offset}.");
        }

        return from + offset >= 0 ? _position = from + offset : throw new IOException($"Position {from + offset} lies before the beginning.");
    }

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException("A paged memory has the length that it was made with.");

    /// <inheritdoc/>
    public override void Flush() => ThrowIfClosed();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _isClosed = true;
        base.Dispose(disposing);
    }

    private ObjectDisposedException Closed() => new(GetType().FullName);

    private void ThrowIfClosed() => ObjectDisposedException.ThrowIf(_isClosed, this);
}
