using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace NativeMm.Buffers;

/// <summary>
/// One rent: the owner that its renter holds, and what his memories refer to. It is not used again, so whatever is used late throws for good. It
/// has no finalizer; a forgotten rent is found by that of the guard, which nobody but the lease refers to.
/// </summary>
internal sealed unsafe class PooledLease : MemoryManager<byte>, IMemoryOwner<byte>
{
    private RentGuard? _guard;
    private ulong _ticket;

    /// <inheritdoc/>
    /// <exception cref="ObjectDisposedException">The rent is over.</exception>
    public override Memory<byte> Memory
    {
        get
        {
            if (!_guard!.TryGet(_ticket, out _, out int length))
            {
                ThrowReturned();
            }

            return CreateMemory(length);
        }
    }

    /// <summary>Binds the lease to a rent that has begun. Once, before anybody sees it.</summary>
    public PooledLease Begin(RentGuard guard, ulong ticket)
    {
        _guard = guard;
        _ticket = ticket;
        return this;
    }

    /// <inheritdoc/>
    public override Span<byte> GetSpan()
    {
        if (!_guard!.TryGet(_ticket, out nuint address, out int length))
        {
            ThrowReturned();
        }

        return new Span<byte>((void*)address, length);
    }

    /// <inheritdoc/>
    public override MemoryHandle Pin(int elementIndex = 0)
    {
        if (!_guard!.TryGet(_ticket, out nuint address, out int length))
        {
            ThrowReturned();
        }

        if ((uint)elementIndex > (uint)length)
        {
            throw new ArgumentOutOfRangeException(nameof(elementIndex), elementIndex, $"The buffer has {length} bytes.");
        }

        return new MemoryHandle((byte*)address + elementIndex, default, this);
    }

    /// <inheritdoc/>
    public override void Unpin()
    {
    }

    /// <summary>Ends the rent; once it is over, this does nothing.</summary>
#pragma warning disable CA1816 // There is no finalizer.
    void IDisposable.Dispose() => _guard!.End(_ticket);
#pragma warning restore CA1816

    /// <inheritdoc/>
    protected override void Dispose(bool disposing) => _guard!.End(_ticket);

    [DoesNotReturn]
    private static void ThrowReturned() => throw new ObjectDisposedException(nameof(NativeMemoryPool), "The rented buffer went back to its pool.");
}
