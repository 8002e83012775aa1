using NativeMm.Primitives;
using NativeMm.Soak.Shadow;
using NativeMm.Vmap;

namespace NativeMm.Soak.Holdings;

/// <summary>Frames that are seen at two places: what is written through one is read through the other.</summary>
internal sealed unsafe class MapHolding(VmapAllocator vmap, Pfn[] frames) : Holding
{
    private const int FramesMax = 40;
    private Piece _piece;

    public static MapHolding Make(VmapAllocator vmap, Owner owner, Chance chance)
    {
        owner.Kind = "map of frames";
        Pfn[] frames = new Pfn[chance.Between(1, FramesMax)];
        vmap.AllocateFrames(frames);
        try
        {
            void* address = vmap.Map(frames);
            return new MapHolding(vmap, frames) { _piece = Piece.Claim(owner, address, (nuint)frames.Length * Pfn.FrameBytes) };
        }
        catch (OutOfMemoryException)
        {
            vmap.FreeFrames(frames);
            throw;
        }
    }

    public override void Check(Owner owner, bool whole, Chance chance)
    {
        _piece.Check(owner, whole);
        if (chance.OneIn(2))
        {
            void* second = vmap.MapRam(frames);
            Pattern.Check((byte*)second, _piece.Bytes, _piece.Stamp, whole, $"second {owner}");
            vmap.UnmapRam(second, frames.Length);
        }
    }

    public override void End(Owner owner, Chance chance)
    {
        _piece.Yield(owner);
        bool framesFirst = chance.OneIn(2);
        if (framesFirst)
        {
            vmap.FreeFrames(frames);
            Pattern.Check((byte*)_piece.Address, _piece.Bytes, _piece.Stamp, whole: true, $"{owner} whose frames were given up");
        }

        vmap.Unmap((void*)_piece.Address);
        if (!framesFirst)
        {
            vmap.FreeFrames(frames);
        }
    }
}
