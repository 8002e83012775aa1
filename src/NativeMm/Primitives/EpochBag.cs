namespace NativeMm.Primitives;

/// <summary>What one thread retired during one epoch. Guarded by its participant's lock.</summary>
internal sealed class EpochBag
{
    private const int CapacityKept = 1024;
    private List<RetiredItem> _items = [];

    /// <summary>The epoch in which everything inside was retired. Means nothing while the bag is empty.</summary>
    public ulong Epoch { get; set; }

    /// <summary>Number of items.</summary>
    public int Count => _items.Count;

    /// <summary>Puts an item in.</summary>
    public void Add(RetiredItem item) => _items.Add(item);

    /// <summary>Moves everything to the end of a list, which is made when there is something to move.</summary>
    public void MoveTo(ref List<RetiredItem>? destination)
    {
        if (_items.Count == 0)
        {
            return;
        }

        destination ??= [];
        destination.AddRange(_items);
        _items.Clear();
        if (_items.Capacity > CapacityKept)
        {
            // A burst should not hold on to its room for ever.
            _items = [];
        }
    }
}
