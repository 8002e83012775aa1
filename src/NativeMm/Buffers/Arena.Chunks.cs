using System.Runtime.CompilerServices;

namespace NativeMm.Buffers;

public sealed unsafe partial class Arena
{
    /// <summary>
    /// The current chunk has no room. A request above half of the next chunk gets a block of its own and the current chunk goes on being used; else the
    /// next chunk begins, and the rest of the current one, which is smaller than the request with its alignment, is given up.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void* AllocChunk(nuint bytes, nuint alignment)
    {
        ThrowIfDisposed();
        nuint chunkBytes = _current < 0 ? _firstChunkBytes : Math.Clamp(_chunks[_current].Bytes * 2, _firstChunkBytes, _chunkBytesMax);
        if (bytes > chunkBytes / 2 || alignment > chunkBytes / 2)
        {
            nuint address = AddChunk(bytes, alignment, single: true);
            _allocatedBytes += (long)bytes;
            return (void*)address;
        }

        // Both at most half a chunk: after aligning, the request fits.
        nuint start = AddChunk(chunkBytes, HeapBlock.AlignmentMin, single: false);
        _current = _chunks.Count - 1;
        _next = start;
        _end = start + _chunks[_current].Bytes;
        return AllocAligned(bytes, alignment);
    }

    private nuint AddChunk(nuint bytes, nuint alignment, bool single)
    {
        // Room in the list first: once the block is allocated, nothing may fail.
        _chunks.EnsureCapacity(_chunks.Count + 1);
        nuint address = HeapBlock.Alloc(_heap, bytes, alignment, zeroed: false);
        nuint usable = single ? bytes : _heap.UsableSize((void*)address);
        _chunks.Add(new ArenaChunk(address, usable, single));
        return address;
    }

    private void FreeChunksFrom(int index)
    {
        while (_chunks.Count > index)
        {
            ArenaChunk chunk = _chunks[^1];
            _chunks.RemoveAt(_chunks.Count - 1);
            HeapBlock.Free(_heap, chunk.Address);
        }
    }
}
