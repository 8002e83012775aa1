using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using NativeMm.Heap;
using NativeMm.Heap.Checked;

namespace NativeMm.Buffers;

/// <summary>
/// Allocates by moving one address forward, and frees everything at once: for data that dies together, as that of one request or one parse.
/// Not thread-safe.
/// </summary>
/// <remarks>
/// What the arena handed out is valid until <see cref="Reset"/>, a <see cref="Rewind"/> past it, or <see cref="Dispose()"/>; spans and pointers are
/// not checked after that. With the checked mode switched on by the environment, memory that was taken back is overwritten with 0xDF, so that a late
/// read shows. The finalizer of a forgotten arena gives the memory back and counts it in <see cref="ForgottenBuffers"/>; a span does not keep
/// the arena alive: hold the arena in a <c>using</c> while its spans are in use.
/// </remarks>
public sealed unsafe partial class Arena : IDisposable, IAsyncDisposable
{
    // With these two, nothing fits into the current chunk, not even zero bytes: there is none yet, or no more.
    private const nuint NoChunkNext = 1;
    private const nuint NoChunkEnd = 0;

    private readonly NativeHeap _heap;
    private readonly nuint _firstChunkBytes;
    private readonly nuint _chunkBytesMax;
    private readonly bool _poison;
    private readonly List<ArenaChunk> _chunks = [];
    private nuint _next = NoChunkNext;
    private nuint _end = NoChunkEnd;
    private int _current = -1;
    private long _allocatedBytes;
    private long _peakAllocatedBytes;
    private bool _disposed;

    /// <summary>Makes an empty arena; it takes no memory before the first allocation.</summary>
    /// <param name="heap">Where the chunks come from; <see cref="NativeHeap.Shared"/> if null.</param>
    /// <param name="options">Chunk sizes; the defaults if null.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    /// <exception cref="FormatException">The environment's switch of the checked mode is not understood.</exception>
    public Arena(NativeHeap? heap = null, ArenaOptions? options = null)
        : this(heap, options, CheckedOptions.OfProcess.Enabled)
    {
    }

    internal Arena(NativeHeap? heap, ArenaOptions? options, bool poison)
    {
        options ??= new ArenaOptions();
        options.Validate();
        _heap = heap ?? NativeHeap.Shared;
        _firstChunkBytes = (nuint)options.FirstChunkBytes;
        _chunkBytesMax = (nuint)options.ChunkBytesMax;
        _poison = poison;
    }

    /// <summary>Gives the memory of a forgotten arena back.</summary>
    ~Arena()
    {
        // Without a list when the constructor failed before it, as over an environment that is not understood.
        if (_chunks is { Count: > 0 })
        {
            nuint bytes = 0;
            foreach (ArenaChunk chunk in _chunks)
            {
                // Null where a release that was stopped had come.
                _heap.FreeForgotten((void*)chunk.Address);
                bytes += chunk.Bytes;
            }

            ForgottenBuffers.Add(bytes);
            if (_release is not null)
            {
                _heap.NoteReleasingBlocks(-(long)bytes);
            }
        }
    }

    /// <summary>What the arena holds.</summary>
    /// <exception cref="ObjectDisposedException">The arena is disposed.</exception>
    public ArenaStatistics Statistics
    {
        get
        {
            ThrowIfDisposed();
            long reserved = _chunks.Sum(chunk => (long)chunk.Bytes);
            return new ArenaStatistics(_allocatedBytes, Math.Max(_peakAllocatedBytes, _allocatedBytes), reserved, _chunks.Count);
        }
    }

    /// <summary>Allocates bytes that hold anything.</summary>
    /// <param name="bytes">Length; 0 gives an address that must not be read.</param>
    /// <param name="alignment">Bytes of which the address is a multiple: a power of two.</param>
    /// <returns>Never null. The arena stays the owner; valid until taken back.</returns>
    /// <exception cref="ArgumentException">The alignment is not a power of two.</exception>
    /// <exception cref="OutOfMemoryException">The heap cannot have so much.</exception>
    /// <exception cref="ObjectDisposedException">The arena is disposed.</exception>
    public void* Alloc(nuint bytes, nuint alignment = 16)
    {
        if (!nuint.IsPow2(alignment))
        {
            ThrowAlignment(alignment);
        }

        return AllocAligned(bytes, alignment);
    }

    /// <summary>Allocates elements that hold anything, aligned for their type.</summary>
    /// <param name="count">0 or more.</param>
    /// <returns>The elements, valid until the arena takes them back; empty for a count of 0.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The count is negative.</exception>
    /// <exception cref="OutOfMemoryException">The heap cannot have so much.</exception>
    /// <exception cref="ObjectDisposedException">The arena is disposed.</exception>
    public Span<T> Alloc<T>(int count)
        where T : unmanaged
    {
        if (count < 0)
        {
            ThrowCount(count);
        }

        return new Span<T>(AllocAligned((nuint)(uint)count * (nuint)sizeof(T), AlignmentOf<T>()), count);
    }

    /// <summary>Allocates elements that are zero, aligned for their type.</summary>
    /// <inheritdoc cref="Alloc{T}(int)"/>
    public Span<T> AllocZeroed<T>(int count)
        where T : unmanaged
    {
        Span<T> elements = Alloc<T>(count);
        _heap.ThrowIfDisposed();
        elements.Clear();
        return elements;
    }

    /// <summary>Allocates a copy of some elements, aligned for their type.</summary>
    /// <param name="source">What to copy; it may lie in the arena itself.</param>
    /// <returns>The copy, valid until the arena takes it back; empty for an empty source.</returns>
    /// <exception cref="OutOfMemoryException">The heap cannot have so much.</exception>
    /// <exception cref="ObjectDisposedException">The arena is disposed.</exception>
    public Span<T> AllocCopy<T>(ReadOnlySpan<T> source)
        where T : unmanaged
    {
        Span<T> copy = Alloc<T>(source.Length);
        _heap.ThrowIfDisposed();
        source.CopyTo(copy);
        return copy;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void* AllocAligned(nuint bytes, nuint alignment)
    {
        nuint start = (_next + alignment - 1) & ~(alignment - 1);
        nuint end = _end;

        // The first comparison also refuses a start that wrapped around; start is at least 1, so that no chunk means a refusal.
        if (start < _next || start > end || bytes > end - start)
        {
            return AllocChunk(bytes, alignment);
        }

        _next = start + bytes;
        _allocatedBytes += (long)bytes;
        return (void*)start;
    }

    /// <summary>A type's size is a multiple of its alignment, so the lowest bit of the size is enough; more than 16 no type asks for.</summary>
    private static nuint AlignmentOf<T>()
        where T : unmanaged => (nuint)Math.Min(HeapBlock.AlignmentMin, (uint)(sizeof(T) & -sizeof(T)));

    private void ThrowIfDisposed()
    {
        if (_disposed)
        {
            throw new ObjectDisposedException(nameof(Arena), "The arena is disposed.");
        }
    }

    [DoesNotReturn]
    private static void ThrowAlignment(nuint alignment) =>
        throw new ArgumentException($"The alignment is {alignment}; it must be a power of two.", nameof(alignment));

    [DoesNotReturn]
    private static void ThrowCount(int count) =>
        throw new ArgumentOutOfRangeException(nameof(count), count, $"The count is 0 to {int.MaxValue} elements.");
}
