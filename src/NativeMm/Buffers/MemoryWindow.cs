using System.Buffers;
using NativeMm.Primitives;

namespace NativeMm.Buffers;

/// <summary>
/// A view of a block that can be closed: memory made from it throws afterwards, instead of touching what the block has become. It keeps the
/// block's owner from being finalized. The one who closes it sees to it that nobody reads at the same time.
/// </summary>
internal sealed unsafe class MemoryWindow<T>(object owner, nuint address, int length) : MemoryManager<T>
    where T : unmanaged
{
    private readonly object _owner = owner;
    private nuint _address = address;

    /// <summary>Makes every memory that was taken from the window throw.</summary>
    /// <returns>The block's address; 0 when it was closed already.</returns>
    public nuint Close() => Atomic.Exchange(ref _address, 0);

    /// <inheritdoc/>
    public override Span<T> GetSpan()
    {
        nuint address = Address();
        GC.KeepAlive(_owner);
        return new Span<T>((void*)address, length);
    }

    /// <inheritdoc/>
    public override MemoryHandle Pin(int elementIndex = 0)
    {
        nuint address = Address();
        if ((uint)elementIndex > (uint)length)
        {
            throw new ArgumentOutOfRangeException(nameof(elementIndex), elementIndex, $"The memory has {length} elements.");
        }

        return new MemoryHandle((T*)address + elementIndex, default, this);
    }

    /// <inheritdoc/>
    public override void Unpin()
    {
    }

    /// <summary>Nothing to do: the block belongs to somebody else.</summary>
    protected override void Dispose(bool disposing)
    {
    }

    private nuint Address()
    {
        nuint address = Atomic.LoadAcquire(ref _address);
        return address != 0
            ? address
            : throw new ObjectDisposedException("NativeBufferWriter", "The memory was taken from a buffer writer that has grown (in checked mode), was detached or disposed since.");
    }
}
