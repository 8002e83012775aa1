// Purpose      the block of one rent at a time (RentTicket), and the finalizer that finds a rent which nobody disposed.
// The finalizer ends the rent that it finds for the second time. What it meets first may have begun after the collection that called it: a
// program's own finalizer, in the same run, may have disposed the lease, and another thread may have the guard by now. Only a guard that
// nobody has comes a second time with the same ticket.

namespace NativeMm.Buffers;

/// <summary>What the lease of a rent stands on. It is never seen outside, so that its finalizer, which is dear to have, serves many rents.</summary>
internal sealed class RentGuard(NativeMemoryPool pool)
{
    private readonly NativeMemoryPool _pool = pool;
    private RentTicket _rent;

    // The finalizer's.
    private ulong _met = ulong.MaxValue;

    /// <summary>Gives the memory of a forgotten rent back, at the second collection that finds it.</summary>
    ~RentGuard()
    {
        ulong ticket = _rent.Present;
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
        if ((ticket & 1) != 0 && _rent.TryEnd(ticket, out nuint address, out int length))
        {
            _pool.TakeBackForgotten(address, length);
        }
    }

    /// <summary>Begins a rent. Only for who took the guard out of its stand.</summary>
    /// <returns>The rent's ticket.</returns>
    public ulong Begin(nuint address, int length) => _rent.Begin(address, length);

    /// <summary>The block of a rent; false when that is over.</summary>
    public bool TryGet(ulong ticket, out nuint address, out int length) => _rent.TryGet(ticket, out address, out length);

    /// <summary>Ends a rent; does nothing when it is over already.</summary>
    public void End(ulong ticket)
    {
        if (_rent.TryEnd(ticket, out nuint address, out int length))
        {
            _pool.TakeBack(this, address, length);
        }
    }

    /// <summary>Spares the garbage collector the finalizer of an idle guard that is dropped.</summary>
#pragma warning disable CA1816 // It is dropped, not disposed.
    public void Retire() => GC.SuppressFinalize(this);
#pragma warning restore CA1816
}
