// Purpose      what one object that serves many rents, one after the other, says of the present one: whoever is late for his rent finds another ticket.
// States       _ticket: even = idle; odd = rented. It counts on for ever, so that the ticket of one rent is never that of another.
// Transitions  idle → rented   by the one renter that took the object out of its stand: fields [B1], then release store [B2] of ticket + 1.
//              rented → idle   by whoever ends the rent: CAS ticket → ticket + 1 [B3]; of several ends of one rent one wins.
// Ownership    _address, _length are written by the renter while idle; read by anybody under the ticket.
// Ordering     A reader takes the fields, then the read fence [B4], then the ticket [B5]: if it is still that of his rent, so were the fields, because who sees a
//              later field sees what was stored before it [B1], the end of his rent among it. A release for each field: the CAS before is a fence
//              between what is before it and behind it, but on arm64 not for its own store. [B2] pairs with [B6]: whoever has an odd ticket from there
//              sees the fields of that rent, or of a later one.
// Reuse        at once.
// Progress     wait-free.

using System.Runtime.CompilerServices;
using NativeMm.Primitives;

namespace NativeMm.Buffers;

/// <summary>The block of one rent at a time. A mutable struct: a field, never a copy.</summary>
internal struct RentTicket
{
    private nuint _address;
    private ulong _ticket;
    private int _length;

    /// <summary>The present ticket; odd while there is a rent.</summary>
    public readonly ulong Present
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Atomic.LoadAcquire(in _ticket); // [B6] pairs with [B2]
    }

    /// <summary>Where the present block is, or the last one was. For messages, and for who knows that there is a rent.</summary>
    public readonly (nuint Address, int Length) Last => (_address, _length);

    /// <summary>Begins a rent. Only for who took the object out of its stand.</summary>
    /// <returns>The rent's ticket.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Begin(nuint address, int length)
    {
        ulong ticket = _ticket + 1;
        Atomic.StoreRelease(ref _address, address); // [B1] pairs with [B4]
        Atomic.StoreRelease(ref _length, length); // [B1] pairs with [B4]
        Atomic.StoreRelease(ref _ticket, ticket); // [B2] pairs with [B6]
        return ticket;
    }

    /// <summary>The block of a rent; false when that is over.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly bool TryGet(ulong ticket, out nuint address, out int length)
    {
        address = Atomic.LoadRelaxed(in _address);
        length = Atomic.LoadRelaxed(in _length);
        Atomic.ReadFence(); // [B4] pairs with [B1]
        return Atomic.LoadRelaxed(in _ticket) == ticket; // [B5] behind [B4]
    }

    /// <summary>Ends a rent; false when it is over already, and then nothing has changed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryEnd(ulong ticket, out nuint address, out int length)
    {
        // The renter's own rent is not over, so nobody writes these; of another rent they are not used, because the CAS fails.
        address = Atomic.LoadRelaxed(in _address);
        length = Atomic.LoadRelaxed(in _length);
        return Atomic.CompareExchange(ref _ticket, ticket, ticket + 1); // [B3]
    }
}
