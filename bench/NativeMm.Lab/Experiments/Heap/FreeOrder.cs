namespace NativeMm.Lab.Experiments.Heap;

/// <summary>In which order a set of blocks is freed: computed before the clock runs, the same for every allocator and every launch.</summary>
internal static class FreeOrder
{
    /// <summary>Blocks of a batch.</summary>
    public const int Batch = 100;

    private const int Seed = 0x6f72;

    /// <summary>As they were allocated.</summary>
    public static ushort[] OldestFirst(int count) => [.. Enumerable.Range(0, count).Select(i => (ushort)i)];

    /// <summary>The other way round.</summary>
    public static ushort[] NewestFirst(int count) => [.. Enumerable.Range(0, count).Reverse().Select(i => (ushort)i)];

    /// <summary>Shuffled, for each thread in another way.</summary>
    public static ushort[] Any(int thread)
    {
        ushort[] order = OldestFirst(ReplacementTables.Live);
        new Random(Seed + thread).Shuffle(order);
        return order;
    }
}
