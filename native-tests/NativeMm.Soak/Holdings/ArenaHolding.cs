using NativeMm.Buffers;
using NativeMm.Heap;
using NativeMm.Soak.Shadow;

namespace NativeMm.Soak.Holdings;

/// <summary>An arena with what was allocated from it; it grows, is rewound and reset.</summary>
internal sealed unsafe class ArenaHolding(Arena arena) : Holding
{
    private const int PiecesMax = 300;
    private readonly List<Piece> _pieces = [];
    private ArenaMark _mark;
    private int _piecesAtMark = -1;

    public static ArenaHolding Make(NativeHeap heap, Owner owner, Chance chance)
    {
        owner.Kind = "piece of an arena";
        var holding = new ArenaHolding(new Arena(heap));
        holding.Grow(owner, chance);
        return holding;
    }

    public override void Check(Owner owner, bool whole, Chance chance)
    {
        foreach (Piece piece in _pieces)
        {
            piece.Check(owner, whole);
        }

        switch (chance.Below(6))
        {
            case 0:
                Grow(owner, chance);
                break;
            case 1:
                (_mark, _piecesAtMark) = (arena.Mark(), _pieces.Count);
                break;
            case 2 when _piecesAtMark >= 0:
                YieldFrom(_piecesAtMark, owner);
                arena.Rewind(_mark);
                break;
            case 3 when chance.OneIn(4):
                YieldFrom(0, owner);
                arena.Reset();
                _piecesAtMark = -1;
                break;
        }
    }

    public override void End(Owner owner, Chance chance)
    {
        YieldFrom(0, owner);
        arena.Dispose();
    }

    private void YieldFrom(int first, Owner owner)
    {
        foreach (Piece piece in _pieces.Skip(first))
        {
            piece.Yield(owner);
        }

        _pieces.RemoveRange(first, _pieces.Count - first);
    }

    private void Grow(Owner owner, Chance chance)
    {
        try
        {
            for (int count = chance.Between(1, 40); count > 0 && _pieces.Count < PiecesMax; count--)
            {
                nuint bytes = (nuint)Sizes.Small(chance);
                _pieces.Add(Piece.Claim(owner, arena.Alloc(bytes, (nuint)16 << chance.Below(4)), bytes));
            }
        }
        catch (OutOfMemoryException)
        {
            // What there is is enough.
        }
    }
}
