using NativeMm.Frames;
using NativeMm.Primitives;
using NativeMm.Soak.Shadow;

namespace NativeMm.Soak.Holdings;

/// <summary>Frames: a block of an order, a run of any length, or many single ones.</summary>
internal sealed unsafe class FrameHolding(IFrameAllocator frames) : Holding
{
    private const int BulkMax = 32;
    private readonly List<(Pfn First, Piece Piece)> _blocks = [];
    private Order? _order;

    public static FrameHolding Make(IFrameAllocator frames, Owner owner, Chance chance)
    {
        owner.Kind = "frames";
        var holding = new FrameHolding(frames);
        FrameFlags flags = (FrameFlags)chance.Below(16);
        switch (chance.Below(3))
        {
            case 0:
                int order = chance.OneIn(30) ? chance.Between(9, Order.MaxValue) : chance.Below(5);
                holding._order = new Order(order);
                holding.Take(frames.TryAllocate(new Order(order), flags, out Pfn block, out bool knownZero), block, (nuint)1 << order, knownZero, owner);
                break;
            case 1:
                uint count = (uint)chance.Between(1, chance.OneIn(20) ? 512 : 20);
                holding.Take(frames.TryAllocateExact(count, flags, out Pfn first, out bool exactZero), first, count, exactZero, owner);
                break;
            default:
                Span<Pfn> many = stackalloc Pfn[BulkMax];
                int got = frames.AllocateBulk(Order.Zero, flags, many[..chance.Between(1, BulkMax)]);
                holding._order = Order.Zero;
                foreach (Pfn frame in many[..got])
                {
                    holding.Take(true, frame, 1, (flags & FrameFlags.Zeroed) != 0, owner);
                }

                break;
        }

        return holding._blocks.Count > 0 ? holding : throw new OutOfMemoryException();
    }

    public override void Check(Owner owner, bool whole, Chance chance)
    {
        foreach ((_, Piece piece) in _blocks)
        {
            piece.Check(owner, whole);
        }
    }

    public override void End(Owner owner, Chance chance)
    {
        foreach ((_, Piece piece) in _blocks)
        {
            piece.Yield(owner);
        }

        if (_order is not { } order)
        {
            frames.FreeExact(_blocks[0].First, (uint)(_blocks[0].Piece.Bytes / Pfn.FrameBytes));
        }
        else if (_blocks.Count > 1)
        {
            frames.FreeBulk([.. _blocks.Select(block => block.First)], order);
        }
        else
        {
            frames.Free(_blocks[0].First, order);
        }
    }

    private void Take(bool found, Pfn first, nuint count, bool knownZero, Owner owner)
    {
        if (!found)
        {
            return;
        }

        void* address = frames.Zone.AddressOf(first);
        if (knownZero)
        {
            Pattern.CheckZero((byte*)address, count * Pfn.FrameBytes, $"{owner}, known to be zero");
        }

        _blocks.Add((first, Piece.Claim(owner, address, count * Pfn.FrameBytes)));
    }
}
