using System.Globalization;
using NativeMm.Heap;
using NativeMm.Soak.Shadow;

namespace NativeMm.Soak.Holdings;

/// <summary>A block of a heap: as it comes, zeroed or aligned; it may be resized when somebody looks at it.</summary>
internal sealed unsafe class HeapBlockHolding(NativeHeap heap) : Holding
{
    private const int AlignmentLog2Max = 13;
    private Piece _piece;
    private nuint _alignment = 16;

    public static HeapBlockHolding Make(NativeHeap heap, Owner owner, Chance chance)
    {
        owner.Kind = $"block of heap '{heap.Name}'";
        var holding = new HeapBlockHolding(heap);
        nuint bytes = (nuint)Sizes.Any(chance);
        void* block;
        switch (chance.Below(8))
        {
            case 0:
                block = heap.AllocZeroed(bytes);
                Pattern.CheckZero((byte*)block, bytes, $"{owner}, AllocZeroed({bytes})");
                break;
            case 1:
                holding._alignment = (nuint)1 << chance.Between(4, AlignmentLog2Max);
                block = heap.AlignedAlloc(bytes, holding._alignment);
                break;
            case 2:
                if (!heap.TryAlloc(bytes, out block))
                {
                    throw new OutOfMemoryException();
                }

                break;
            default:
                block = heap.Alloc(bytes);
                break;
        }

        holding.RequireAligned(block, owner);
        holding._piece = Piece.Claim(owner, block, bytes);
        return holding;
    }

    public override void Check(Owner owner, bool whole, Chance chance)
    {
        _piece.Check(owner, whole);
        void* block = (void*)_piece.Address;
        if (chance.OneIn(8) && (!heap.Owns(block) || heap.UsableSize(block) < _piece.Bytes))
        {
            throw new FindingException(owner.ToString(), _piece.Address, $"a block of {_piece.Bytes} bytes or more", "that the heap does not know it");
        }

        if (chance.OneIn(4))
        {
            Resize(owner, chance);
        }
    }

    public override void End(Owner owner, Chance chance)
    {
        _piece.Yield(owner);
        if (chance.OneIn(2))
        {
            heap.Free((void*)_piece.Address);
        }
        else
        {
            heap.FreeBulk([(nint)_piece.Address]);
        }
    }

    /// <summary>What an overrun of somebody else would do: the control that must be found.</summary>
    public void Overwrite() => *(byte*)(_piece.Address + (_piece.Bytes / 2)) ^= 1;

    /// <summary>What a library would do that forgets a free block: the control that must be found.</summary>
    public void Lose(Owner owner) => _piece.Yield(owner);

    private void Resize(Owner owner, Chance chance)
    {
        nuint bytes = (nuint)Sizes.Any(chance);
        Piece before = _piece;

        // Bytes that a smaller size drops are looked at here for the last time.
        before.Yield(owner);
        void* moved;
        try
        {
            moved = _alignment > 16
                ? heap.AlignedRealloc((void*)before.Address, bytes, _alignment)
                : heap.Realloc((void*)before.Address, bytes);
        }
        catch (OutOfMemoryException)
        {
            owner.Shadow.Claim(before.Address, before.Bytes, owner.Number, owner.ToString());
            before.Check(owner, whole: true);
            throw;
        }

        RequireAligned(moved, owner);
        Pattern.Check((byte*)moved, nuint.Min(bytes, before.Bytes), before.Stamp, whole: true, $"{owner}, resized from {before.Bytes} bytes to {bytes}");
        _piece = Piece.Claim(owner, moved, bytes);
    }

    private void RequireAligned(void* block, Owner owner)
    {
        if (((nuint)block & (_alignment - 1)) != 0)
        {
            throw new FindingException(
                owner.ToString(), (nuint)block, string.Create(CultureInfo.InvariantCulture, $"a multiple of {_alignment}"), "another address");
        }
    }
}
