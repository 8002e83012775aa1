// Purpose      the block of one rent at a time, and the finalizer that finds a rent which nobody disposed.
// States       _ticket: even = idle; odd = rented. It counts on for ever, so that the ticket of one rent is never that of another.
// Transitions  idle → rented   by the one renter that took the guard out of its stand: fields, then release store [B1] of ticket + 1.
//              rented → idle   by whoever disposes, or the finalizer: CAS ticket → ticket + 1 [B2]; of several ends of one rent one wins.
//              The finalizer ends the rent that it finds for the second time. What it meets first may have begun after the collection that called it: a
//              program's own finalizer, in the same run, may have disposed the lease, and another thread may have the guard by now. Only a guard that
//              nobody has comes a second time with the same ticket.
// Ownership    _address, _length are written by the renter while idle; read by anybody under the ticket. _met belongs to the finalizer.
// Ordering     The fields are read, then the read fence [B3], then the ticket: if it is still that of the rent, so were the fields, because [B2] is a
//              full fence before anybody writes them again.
// Reuse        a guard is used again at once. Only leases refer to it, and each compares the ticket with its own: what is late finds another one.
// Progress     wait-free.

using NativeMm.Primitives;

namespace NativeMm.Buffers;

/// <summary>What the lease of a rent stands on. It is never seen outside, so that its finalizer, which is dear to have, serves many rents.</summary>
internal sealed class RentGuard(NativeMemoryPool pool)
{
    private readonly NativeMemoryPool _pool = pool;
    private nuint _address;
    private ulong _ticket;
    private ulong _met = ulong.MaxValue;
    private int _length;

    /// <summary>Gives the memory of a forgotten rent back, at the second collection that finds it.</summary>
    ~RentGuard()
    {
        ulong ticket = Atomic.LoadAcquire(ref _ticket);
        if (ticket != _met)
        {
            _met = ticket;
            try
            {
                GC.ReRegisterForFinalize(this);
            }
            catch (OutOfMemoryException)
            {
                // No managed memory to be registered in: if the rent is a forgotten one, it stays lost.
            }

            return;
        }

        // By the ticket as well: somebody else's finalizer may dispose the lease after this.
        (nuint address, int length) = (_address, _length);
        if ((ticket & 1) != 0 && Atomic.CompareExchange(ref _ticket, ticket, ticket + 1)) // [B2]
        {
            _pool.TakeBackForgotten(address, length);
        }
    }

    /// <summary>Begins a rent. Only for who took the guard out of its stand.</summary>
    /// <returns>The rent's ticket.</returns>
    public ulong Begin(nuint address, int length)
    {
        ulong ticket = _ticket + 1;
        _address = address;
        _length = length;
        Atomic.StoreRelease(ref _ticket, ticket); // [B1] pairs with [B3]
        return ticket;
    }

    /// <summary>The block of a rent; false when that is over.</summary>
    public bool TryGet(ulong ticket, out nuint address, out int length)
    {
        (address, length) = (_address, _length);
        Atomic.ReadFence(); // [B3]
        return Atomic.LoadAcquire(ref _ticket) == ticket;
    }

    /// <summary>Ends a rent; does nothing when it is over already.</summary>
    public void End(ulong ticket)
    {
        // Plain reads: the renter's own rent is not over, so nobody writes these; of another rent they are not used, because the CAS fails.
        (nuint address, int length) = (_address, _length);
        if (Atomic.CompareExchange(ref _ticket, ticket, ticket + 1)) // [B2]
        {
            _pool.TakeBack(this, address, length);
        }
    }

    /// <summary>Spares the garbage collector the finalizer of an idle guard that is dropped.</summary>
#pragma warning disable CA1816 // It is dropped, not disposed.
    public void Retire() => GC.SuppressFinalize(this);
#pragma warning restore CA1816
}
