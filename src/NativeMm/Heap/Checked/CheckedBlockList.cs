using NativeMm.Diagnostics;

namespace NativeMm.Heap.Checked;

/// <summary>Blocks in the order they came, linked by themselves: to come and to go needs no managed memory. Not thread-safe.</summary>
internal struct CheckedBlockList
{
    private CheckedBlock? _last;

    /// <summary>The block that came first, or null.</summary>
    public CheckedBlock? First { get; private set; }

    /// <summary>How many there are.</summary>
    public int Count { get; private set; }

    /// <summary>Puts a block at the end. It is in no other list.</summary>
    public void Add(CheckedBlock block)
    {
        Invariant.Assert(block.Next is null && !ReferenceEquals(block, _last), $"The block at 0x{block.Address:x} comes to a list and is in one.");
        Invariant.Assert((_last is null) == (First is null) && (First is null) == (Count == 0), $"A list of {Count} blocks has no first or no last one.");
        if (_last is null)
        {
            First = block;
        }
        else
        {
            _last.Next = block;
        }

        _last = block;
        Count++;
    }

    /// <summary>Takes the first block out; null when there is none.</summary>
    public CheckedBlock? TryTake()
    {
        CheckedBlock? block = First;
        if (block is not null)
        {
            First = block.Next;
            _last = First is null ? null : _last;
            block.Next = null;
            Count--;
            Invariant.Assert((Count == 0) == (First is null), $"{Count} blocks are left of a list.");
        }

        return block;
    }
}
