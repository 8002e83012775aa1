namespace NativeMm.Lab.Experiments.Zsmalloc;

/// <summary>
/// What a worker does, computed before the clock runs and the same for every pool: its objects become many and few again, as pages in a
/// compressed store do, while some of them are replaced all the time. The end of the table fits its beginning.
/// </summary>
/// <remarks>
/// A part of the slots is full at the start. Flow: every empty slot gets an object, which is written; ebb: the same slots, in another order, are
/// emptied. After each step two live objects are read, and after every second one some object is replaced. A fifth of the calls are
/// allocations, a fifth frees, a fifth writes, and two fifths reads.
/// </remarks>
internal static class OperationTable
{
    private const int Seed = 0x7a73;
    private const double LivePart = 0.3;

    /// <summary>Which slots are full at the start of the table.</summary>
    public static bool[] LiveAtStart(int worker, int slots)
    {
        int[] order = Shuffled(slots, new Random(Seed + worker));
        var live = new bool[slots];
        foreach (int slot in order.AsSpan(0, (int)(slots * LivePart)))
        {
            live[slot] = true;
        }

        return live;
    }

    /// <summary>Makes the table of a worker.</summary>
    public static PoolOperation[] Build(int worker, int slots)
    {
        var random = new Random(Seed - 1 - worker);
        var live = new LiveSlots(LiveAtStart(worker, slots));
        int[] tide = [.. live.Empty];
        var table = new List<PoolOperation>(slots * 6);
        random.Shuffle(tide);
        foreach (int slot in tide)
        {
            table.Add(new(PoolCall.Alloc, slot));
            table.Add(new(PoolCall.Write, slot));
            live.Add(slot);
            Use(table, live, random);
        }

        random.Shuffle(tide);
        foreach (int slot in tide)
        {
            table.Add(new(PoolCall.Free, slot));
            live.Remove(slot);
            Use(table, live, random);
        }

        return [.. table];
    }

    private static void Use(List<PoolOperation> table, LiveSlots live, Random random)
    {
        table.Add(new(PoolCall.Read, live.Any(random)));
        table.Add(new(PoolCall.Read, live.Any(random)));
        if (random.Next(2) == 0)
        {
            int slot = live.Any(random);
            table.Add(new(PoolCall.Free, slot));
            table.Add(new(PoolCall.Alloc, slot));
            table.Add(new(PoolCall.Write, slot));
        }
    }

    private static int[] Shuffled(int count, Random random)
    {
        int[] order = [.. Enumerable.Range(0, count)];
        random.Shuffle(order);
        return order;
    }
}
