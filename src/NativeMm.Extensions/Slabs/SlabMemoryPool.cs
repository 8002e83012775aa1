using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using NativeMm.Primitives;

namespace NativeMm.Slabs;

/// <summary>A store as a <see cref="MemoryPool{T}"/>. Thread-safe.</summary>
/// <param name="store">Where the blocks come from.</param>
/// <param name="onDispose">Called once, at the first disposal.</param>
internal sealed class SlabMemoryPool(SlabStore store, Action? onDispose) : MemoryPool<byte>
{
    private int _disposed;

    /// <inheritdoc/>
    /// <remarks>
    /// No small bound: whoever writes more at once than a bound allows, as a serializer does, would be handed arrays of another pool, one for each request.
    /// </remarks>
    public override int MaxBufferSize => Array.MaxLength;

    /// <inheritdoc/>
    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        if ((uint)minBufferSize > (uint)Array.MaxLength)
        {
            minBufferSize = minBufferSize == -1 ? 0 : ThrowSize(minBufferSize);
        }

        ObjectDisposedException.ThrowIf(Atomic.LoadAcquire(ref _disposed) != 0, this);
        return store.RentOwner(minBufferSize);
    }

    /// <summary>Rents no more: the owner of the store has ended.</summary>
    public void End() => Atomic.StoreRelease(ref _disposed, 1);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (onDispose is not null && Atomic.Exchange(ref _disposed, 1) == 0)
        {
            onDispose();
        }
    }

    [DoesNotReturn]
    private static int ThrowSize(int minBufferSize) => throw new ArgumentOutOfRangeException(
        nameof(minBufferSize), minBufferSize, $"A buffer has 0 to {Array.MaxLength} bytes; -1 asks for one of the smallest blocks.");
}
