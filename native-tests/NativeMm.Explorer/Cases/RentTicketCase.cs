using NativeMm.Buffers;
using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;

namespace NativeMm.Explorer.Cases;

/// <summary>A rent ends and the next one begins in the same object, while somebody still reads by the first, and somebody ends the first again.</summary>
internal sealed class RentTicketCase : Case
{
    private const int First = 1000;
    private const int Next = 2000;

    private RentTicket _rent;

    public override string Claim => "who reads by a ticket gets the block of his rent or none, and each rent ends once";

    public override IReadOnlyList<BadCopy> BadCopies =>
    [
        new("RentTicket[B1]"), new("RentTicket[B2]"), new("RentTicket[B3]", Weakening.Split), new("RentTicket[B3]", Weakening.Dropped), new("RentTicket[B4]"), new("RentTicket[B6]"),
    ];

    public override void Prepare(Plan plan)
    {
        _rent = default;
        ulong ticket = _rent.Begin(First, First + 1);
        int ends = 0;
        bool Ends()
        {
            bool ended = _rent.TryEnd(ticket, out nuint address, out int length);
            Plan.Check(!ended || (address == First && length == First + 1), $"the rent of {First} ends with {address}, {length}");
            ends += ended ? 1 : 0;
            return ended;
        }

        plan.Thread("renter", () =>
            {
                if (Ends())
                {
                    // As it lies in the thread's own stand, the object is used again without a fence.
                    _ = _rent.Begin(Next, Next + 1);
                }
            })
            .Thread("late reader", () =>
            {
                if (_rent.TryGet(ticket, out nuint address, out int length))
                {
                    Plan.Check(address == First && length == First + 1, $"the rent of {First} reads {address}, {length}");
                }
            })
            .Thread("late end", () =>
            {
                _ = Ends();
                ulong present = _rent.Present;
                if (_rent.TryGet(present, out nuint address, out int length) && present != ticket && (present & 1) != 0)
                {
                    Plan.Check(address == Next && length == Next + 1, $"the rent of {Next} reads {address}, {length}");
                }
            })
            .AtEnd(() => Plan.Check(ends == 1, $"the rent ended {ends} times"));
    }
}
