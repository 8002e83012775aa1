using NativeMm.Primitives;

namespace NativeMm.Slabs;

/// <summary>Finds the slab that an address lies in. Reading takes no lock: each change publishes a new table.</summary>
internal sealed class SlabMap
{
    private SleepLock _lock;
    private Table _table = new([], []);

    /// <summary>The block that begins at an address; null if none does.</summary>
    /// <param name="address">Any address.</param>
    /// <param name="inside">The slab that it lies in, if any.</param>
    public SlabBlock? Find(nuint address, out Slab? inside)
    {
        Table table = Atomic.LoadAcquire(ref _table);
        int at = Array.BinarySearch(table.Addresses, address);
        at = at >= 0 ? at : ~at - 1;
        inside = at >= 0 ? table.Slabs[at] : null;
        nuint offset = inside is null ? 0 : address - inside.Address;
        if (inside is null || offset >= (nuint)inside.BlockBytes * (nuint)inside.Blocks.Length)
        {
            inside = null;
            return null;
        }

        return offset % (nuint)inside.BlockBytes == 0 ? inside.Blocks[(int)(offset / (nuint)inside.BlockBytes)] : null;
    }

    /// <summary>Enters a slab.</summary>
    public void Add(Slab slab)
    {
        using (_lock.EnterScope())
        {
            Publish(_table.Slabs.Append(slab));
        }
    }

    /// <summary>Strikes slabs out.</summary>
    public void Remove(IReadOnlyCollection<Slab> slabs)
    {
        using (_lock.EnterScope())
        {
            Publish(_table.Slabs.Where(slab => !slabs.Contains(slab)));
        }
    }

    private void Publish(IEnumerable<Slab> slabs)
    {
        Slab[] sorted = [.. slabs.OrderBy(slab => slab.Address)];
        Atomic.StoreRelease(ref _table, new Table([.. sorted.Select(slab => slab.Address)], sorted));
    }

    private sealed record Table(nuint[] Addresses, Slab[] Slabs);
}
