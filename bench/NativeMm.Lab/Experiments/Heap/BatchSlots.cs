// Purpose      hands batches of blocks from any thread to any other.
// States       a slot is empty, or holds one batch.
// Transitions  empty → holding by a compare-and-swap [B1]; holding → empty by an exchange [B2]; whoever got the batch owns it and all in it.
// Ordering     both are full fences: what was written to a batch before [B1] is seen after [B2].
// Progress     wait-free for each try; a try looks at every slot once and may miss a batch that is put behind it.

using NativeMm.Primitives;

namespace NativeMm.Lab.Experiments.Heap;

/// <summary>Slots for batches that nobody owns at the moment, in no order.</summary>
/// <param name="count">Number of slots.</param>
internal sealed class BatchSlots<TBatch>(int count)
    where TBatch : class
{
    private readonly TBatch?[] _slots = new TBatch?[count];

    /// <summary>Takes any batch, or gives null when none was found.</summary>
    /// <param name="from">Where to begin to look; moves on.</param>
    public TBatch? TryTake(ref int from)
    {
        for (int i = 0; i < _slots.Length; i++)
        {
            from = from + 1 < _slots.Length ? from + 1 : 0;
            if (_slots[from] is not null && Atomic.Exchange(ref _slots[from], null) is { } batch) // [B2] pairs with [B1]
            {
                return batch;
            }
        }

        return null;
    }

    /// <summary>Puts a batch into an empty slot.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="from">Where to begin to look; moves on.</param>
    public bool TryPut(TBatch batch, ref int from)
    {
        for (int i = 0; i < _slots.Length; i++)
        {
            from = from + 1 < _slots.Length ? from + 1 : 0;
            if (_slots[from] is null && Atomic.CompareExchange(ref _slots[from], null, batch)) // [B1] pairs with [B2]
            {
                return true;
            }
        }

        return false;
    }
}
