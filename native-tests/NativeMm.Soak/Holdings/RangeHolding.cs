using NativeMm.Soak.Shadow;
using NativeMm.Vmap;

namespace NativeMm.Soak.Holdings;

/// <summary>A range of the vmap allocator with frames of its own, resized now and then.</summary>
internal sealed unsafe class RangeHolding(VmapAllocator vmap) : Holding
{
    private const int BytesMax = 200_000;
    private Piece _piece;

    public static RangeHolding Make(VmapAllocator vmap, Owner owner, Chance chance)
    {
        owner.Kind = "vmap range";
        nuint bytes = (nuint)chance.Between(1, BytesMax);
        VmapFlags flags = (VmapFlags)chance.Below(8);
        void* address = vmap.Alloc(bytes, flags);
        if ((flags & VmapFlags.Zeroed) != 0)
        {
            Pattern.CheckZero((byte*)address, bytes, $"{owner}, zeroed");
        }

        return new RangeHolding(vmap) { _piece = Piece.Claim(owner, address, bytes) };
    }

    public override void Check(Owner owner, bool whole, Chance chance)
    {
        _piece.Check(owner, whole);
        if (!chance.OneIn(4))
        {
            return;
        }

        nuint bytes = (nuint)chance.Between(1, BytesMax);
        Piece before = _piece;

        // Bytes that a smaller size drops are looked at here for the last time.
        before.Yield(owner);
        void* moved;
        try
        {
            moved = vmap.Realloc((void*)before.Address, bytes);
        }
        catch (OutOfMemoryException)
        {
            owner.Shadow.Claim(before.Address, before.Bytes, owner.Number, owner.ToString());
            before.Check(owner, whole: true);
            throw;
        }

        Pattern.Check((byte*)moved, nuint.Min(bytes, before.Bytes), before.Stamp, whole: true, $"{owner}, resized from {before.Bytes} bytes to {bytes}");
        _piece = Piece.Claim(owner, moved, bytes);
    }

    public override void End(Owner owner, Chance chance)
    {
        _piece.Yield(owner);
        vmap.Free((void*)_piece.Address);
    }
}
