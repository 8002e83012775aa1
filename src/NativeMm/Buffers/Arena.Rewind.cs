using NativeMm.Heap.Checked;

namespace NativeMm.Buffers;

public sealed unsafe partial class Arena
{
    private readonly List<ArenaPosition> _marks = [];
    private ulong _lastMarkId;

    /// <summary>Remembers the present place, for <see cref="Rewind"/>.</summary>
    /// <returns>The place; it is of use to this arena only.</returns>
    /// <exception cref="ObjectDisposedException">The arena is disposed.</exception>
    public ArenaMark Mark()
    {
        ThrowIfDisposed();
        if (_marks.Count > 0 && _marks[^1].Next == _next && _marks[^1].ChunkCount == _chunks.Count)
        {
            // Nothing was allocated since the last mark: they share a place, so that marking in a loop costs no memory.
            long order = _marks[^1].Marks;
            _marks[^1] = _marks[^1] with { Marks = order + 1 };
            return new ArenaMark(this, _marks.Count - 1, _marks[^1].Id, order);
        }

        _marks.Add(new ArenaPosition(++_lastMarkId, 1, _chunks.Count, _current, _next, _allocatedBytes));
        return new ArenaMark(this, _marks.Count - 1, _lastMarkId, 0);
    }

    /// <summary>
    /// Takes back everything that was allocated since a mark. The mark can be used again; marks taken after it cannot, unless another mark is taken at
    /// the very place of such a mark: then it stands for that one.
    /// </summary>
    /// <param name="mark">From <see cref="Mark"/> of this arena.</param>
    /// <exception cref="ArgumentException">The mark is of another arena, or of none.</exception>
    /// <exception cref="InvalidOperationException">An earlier Rewind went back past the mark, or a Reset.</exception>
    /// <exception cref="ObjectDisposedException">The arena is disposed.</exception>
    public void Rewind(ArenaMark mark)
    {
        ThrowIfDisposed();
        if (!ReferenceEquals(mark.Arena, this))
        {
            throw new ArgumentException("The mark was not taken from this arena.", nameof(mark));
        }

        if (mark.Index >= _marks.Count || _marks[mark.Index].Id != mark.Id || mark.Order >= _marks[mark.Index].Marks)
        {
            throw new InvalidOperationException("The mark is gone: the arena was rewound past it, or reset, since it was taken.");
        }

        ArenaPosition position = _marks[mark.Index];
        _marks.RemoveRange(mark.Index + 1, _marks.Count - mark.Index - 1);
        _marks[mark.Index] = position with { Marks = mark.Order + 1 };
        GoTo(position.Current, position.Next, position.ChunkCount, position.AllocatedBytes);
    }

    /// <summary>Takes everything back and keeps only the first chunk, so that the next round needs nothing from the heap.</summary>
    /// <exception cref="ObjectDisposedException">The arena is disposed.</exception>
    public void Reset()
    {
        ThrowIfDisposed();
        _marks.Clear();
        int first = _chunks.FindIndex(chunk => !chunk.Single);
        if (first > 0)
        {
            // Large requests came first: the chunk to keep moves to the front.
            (_chunks[0], _chunks[first]) = (_chunks[first], _chunks[0]);
            _current = _current == first ? 0 : _current;
        }

        if (first < 0)
        {
            GoTo(-1, NoChunkNext, 0, 0);
        }
        else
        {
            GoTo(0, _chunks[0].Address, 1, 0);
        }
    }

    /// <summary>Gives everything back to the heap. A second call does nothing.</summary>
    public void Dispose()
    {
        GC.SuppressFinalize(this);
        if (!_disposed)
        {
            _disposed = true;
            _marks.Clear();
            GoTo(-1, NoChunkNext, 0, 0);
        }
        else if (_release is { IsReportingHere: false } release)
        {
            release.Workers.Finish(release, watch: null);
        }
    }

    /// <summary>Nothing fits any more, and statistics are final.</summary>
    private void Forget()
    {
        _peakAllocatedBytes = Math.Max(_peakAllocatedBytes, _allocatedBytes);
        (_current, _next, _end, _allocatedBytes) = (-1, NoChunkNext, NoChunkEnd, 0);
    }

    private void GoTo(int current, nuint next, int chunkCount, long allocatedBytes)
    {
        _peakAllocatedBytes = Math.Max(_peakAllocatedBytes, _allocatedBytes);
        nuint end = current < 0 ? NoChunkEnd : _chunks[current].Address + _chunks[current].Bytes;
        if (_poison && current >= 0 && !_heap.IsDisposed)
        {
            nuint used = _current == current ? _next : end;
            BlockPaint.Fill(next, used - next, BlockPaint.Poison);
        }

        _current = current;
        _next = next;
        _end = end;
        _allocatedBytes = allocatedBytes;
        FreeChunksFrom(chunkCount);
    }
}
