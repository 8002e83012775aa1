// Purpose      a rented buffer whose managed object is used again, without letting two disposals of one rent pass as two: by its RentTicket.
// Where buffers are used again the finalizer ends the rent that it finds for the second time, as that of RentGuard does, and for the same reason.
// A disposal that was delayed across a whole other rent fails its CAS. A second Dispose that *begins* after the object was rented again cannot be told from
// the rightful one; but each rent admits exactly one disposal, so then the rightful owner's Dispose is the one that throws: no extra disposal goes
// unnoticed.

using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Buffers;

/// <summary>What <see cref="NativeMemoryPool"/> hands out.</summary>
internal sealed unsafe class PooledBuffer(NativeMemoryPool pool) : MemoryManager<byte>, IMemoryOwner<byte>
{
    private readonly NativeMemoryPool _pool = pool;
    private RentTicket _rent;

    // The finalizer's: what it met, 0 for nothing yet. A first ticket is 1.
    private ulong _met;

    // Only of a buffer that is rented once: written before anybody else sees it.
    private PooledTrace? _trace;

#pragma warning disable CA2015 // As for NativeBuffer: the memory of a forgotten rent must come back some time.
    /// <summary>Gives the memory of a forgotten rent back.</summary>
    ~PooledBuffer()
    {
        // By the ticket as well: somebody else's finalizer may dispose the owner after this.
        ulong ticket = _rent.Present;
        if (_pool.RecyclesOwners && ticket != _met)
        {
            _met = ticket;
            try
            {
                GC.ReRegisterForFinalize(this);
            }
            catch (OutOfMemoryException)
            {
                // As in RentGuard: if the rent is a forgotten one, it stays lost.
            }

            return;
        }

        if ((ticket & 1) != 0 && _rent.TryEnd(ticket, out nuint address, out int length))
        {
            _pool.TakeBackForgotten(address, length);
        }
    }
#pragma warning restore CA2015

    /// <summary>Begins a rent. Only for who took the object out of the owner pool.</summary>
    public void Issue(nuint address, int length) => _rent.Begin(address, length);

    /// <summary>Has the stacks of the rent's begin and end remembered. Only for who makes the object, for a single rent.</summary>
    public void Trace() => _trace = new PooledTrace();

    /// <inheritdoc/>
    public override Memory<byte> Memory => CreateMemory(GetSpan().Length);

    /// <summary>Ends a rent; false when it is over already, and then nothing has changed.</summary>
    private bool TryEnd(ulong ticket)
    {
        if (!_rent.TryEnd(ticket, out nuint address, out int length))
        {
            return false;
        }

        _trace?.End();
        _pool.TakeBack(this, address, length);
        return true;
    }

    /// <inheritdoc/>
    public override Span<byte> GetSpan()
    {
        ulong ticket = _rent.Present;
        if (!_rent.TryGet(ticket, out nuint address, out int length) || (ticket & 1) == 0)
        {
            ThrowReturned();
        }

        return new Span<byte>((void*)address, length);
    }

    /// <inheritdoc/>
    /// <remarks>The handle keeps the rent from being finalized and does not hold the memory: with Dispose it goes, whether a handle is open or not.</remarks>
    public override MemoryHandle Pin(int elementIndex = 0)
    {
        Span<byte> bytes = GetSpan();
        if ((uint)elementIndex > (uint)bytes.Length)
        {
            throw new ArgumentOutOfRangeException(nameof(elementIndex), elementIndex, $"The buffer has {bytes.Length} bytes.");
        }

        // The span is over native memory: its reference is an address that stays.
        void* first = Unsafe.AsPointer(ref MemoryMarshal.GetReference(bytes));
        return new MemoryHandle((byte*)first + elementIndex, default, this);
    }

    /// <inheritdoc/>
    public override void Unpin()
    {
    }

    /// <summary>
    /// Ends the rent. It replaces the base class's method, which would take the object off the finalizer's list: a rented buffer that is
    /// used again may be forgotten too.
    /// </summary>
#pragma warning disable CA1816 // On purpose: see above. Retire does it when the object is not used again.
    void IDisposable.Dispose() => Dispose(true);

    /// <summary>Spares the garbage collector the finalizer of an idle object that is dropped.</summary>
    public void Retire() => GC.SuppressFinalize(this);
#pragma warning restore CA1816

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        ulong ticket = _rent.Present;
        if (((ticket & 1) == 0 || !TryEnd(ticket)) && _pool.RefusesExtraDisposals)
        {
            ThrowDisposedTwice();
        }
    }

    [DoesNotReturn]
    private static void ThrowReturned() => throw new ObjectDisposedException(nameof(NativeMemoryPool), "The rented buffer went back to its pool.");

    [DoesNotReturn]
    private void ThrowDisposedTwice() => throw MemoryFault.Make(
        MemoryFaultKind.DoubleFree,
        _rent.Last.Address,
        _pool.RecyclesOwners
            ? $"A rented buffer (last at 0x{_rent.Last.Address:x}) was disposed more often than rented. Either this owner disposes twice, or an earlier one did " +
              "after the buffer was rented again. A pool with recycleOwners: false tells which."
            : $"The rented buffer of {_rent.Last.Length} bytes at 0x{_rent.Last.Address:x} was disposed twice; look for a second owner of it.{_trace?.Text ?? PooledTrace.Advice}");
}
