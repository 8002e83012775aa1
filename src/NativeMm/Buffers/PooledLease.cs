using System.Buffers;

namespace NativeMm.Buffers;

/// <summary>
/// One rent, as its renter holds it: the buffer below is used again, the lease is not. It has no finalizer; a forgotten rent is found by that of the
/// buffer, which nobody but the lease and the renter's memory holds.
/// </summary>
internal sealed class PooledLease : IMemoryOwner<byte>
{
    private PooledBuffer? _buffer;
    private uint _ticket;

    /// <inheritdoc/>
    /// <exception cref="ObjectDisposedException">The rent is over.</exception>
    public Memory<byte> Memory => _buffer!.MemoryOf(_ticket);

    /// <summary>Binds the lease to a rent that has begun. Once, before anybody sees it.</summary>
    public PooledLease Begin(PooledBuffer buffer, uint ticket)
    {
        _buffer = buffer;
        _ticket = ticket;
        return this;
    }

    /// <summary>Ends the rent; once it is over, this does nothing.</summary>
    public void Dispose() => _buffer!.TryEnd(_ticket);
}
