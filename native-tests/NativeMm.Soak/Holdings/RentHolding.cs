using System.Buffers;
using NativeMm.Buffers;
using NativeMm.Soak.Shadow;

namespace NativeMm.Soak.Holdings;

/// <summary>Memory rented from a pool. A few rents are forgotten.</summary>
internal sealed unsafe class RentHolding(IMemoryOwner<byte> rent) : Holding
{
    private const int ForgottenOneIn = 50;
    private Piece _piece;

    public static RentHolding Make(NativeMemoryPool pool, Owner owner, Chance chance)
    {
        owner.Kind = "rent of a pool";
        var holding = new RentHolding(pool.Rent(Sizes.Any(chance)));
        Memory<byte> memory = holding.Memory;
        using MemoryHandle handle = memory.Pin();
        holding._piece = Piece.Claim(owner, handle.Pointer, (nuint)memory.Length);
        return holding;
    }

    private Memory<byte> Memory => rent.Memory;

    public override void Check(Owner owner, bool whole, Chance chance)
    {
        Pattern.Check(rent.Memory.Span[..int.Min(rent.Memory.Length, 256)], _piece.Stamp, owner.ToString());
        _piece.Check(owner, whole);
    }

    public override void End(Owner owner, Chance chance)
    {
        _piece.Yield(owner);
        if (!chance.OneIn(ForgottenOneIn))
        {
            rent.Dispose();
        }
    }
}
