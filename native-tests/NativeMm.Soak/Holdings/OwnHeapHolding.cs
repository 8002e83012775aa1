using NativeMm.Heap;
using NativeMm.Runtime;
using NativeMm.Soak.Shadow;

namespace NativeMm.Soak.Holdings;

/// <summary>An independent heap that goes with all of its blocks.</summary>
internal sealed unsafe class OwnHeapHolding(NativeHeap heap) : Holding
{
    private const int BlocksMax = 200;
    private readonly List<Piece> _pieces = [];

    public static OwnHeapHolding Make(MemoryRuntime runtime, Owner owner, Chance chance)
    {
        owner.Kind = "block of a heap that goes";
        var holding = new OwnHeapHolding(runtime.CreateHeap("short-lived"));
        holding.Fill(owner, chance);
        return holding;
    }

    public override void Check(Owner owner, bool whole, Chance chance)
    {
        foreach (Piece piece in _pieces)
        {
            piece.Check(owner, whole);
        }

        if (chance.OneIn(4))
        {
            Fill(owner, chance);
        }
    }

    public override void End(Owner owner, Chance chance)
    {
        int freed = chance.Below(_pieces.Count + 1);
        for (int i = 0; i < _pieces.Count; i++)
        {
            _pieces[i].Yield(owner);
            if (i < freed)
            {
                heap.Free((void*)_pieces[i].Address);
            }
        }

        heap.Dispose();
    }

    private void Fill(Owner owner, Chance chance)
    {
        try
        {
            for (int count = chance.Between(1, 64); count > 0 && _pieces.Count < BlocksMax; count--)
            {
                nuint bytes = (nuint)Sizes.Small(chance);
                _pieces.Add(Piece.Claim(owner, heap.Alloc(bytes), bytes));
            }
        }
        catch (OutOfMemoryException)
        {
            // What there is is enough.
        }
    }
}
