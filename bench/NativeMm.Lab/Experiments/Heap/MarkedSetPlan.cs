namespace NativeMm.Lab.Experiments.Heap;

/// <summary>What a <see cref="MarkedSetWorkload{TAllocator, THandle}"/> does, the same for every allocator and every launch.</summary>
/// <param name="Live">Blocks that a thread holds.</param>
/// <param name="OperationsFirst">Operations of the first, shortest round.</param>
/// <param name="Script">For a thread, which block is replaced next, by what size.</param>
internal sealed record MarkedSetPlan(int Live, int OperationsFirst, Func<int, Replacement[]> Script)
{
    /// <summary>Distance of the bytes that are written: every page of a block is used.</summary>
    public const int Page = 4096;

    private const int Seed = 0x6d73;
    private const int PagesLive = 256;
    private const int PagesMax = 16;
    private const int LargeLive = 3;
    private const int LargeSteps = 64;
    private const int LargeOperationsFirst = 4;
    private const int LargeMin = 2 << 20;
    private const int LargeMax = 64 << 20;

    /// <summary>256 blocks of 1 to 16 pages.</summary>
    public static MarkedSetPlan Pages { get; } = new(PagesLive, 1000, thread => Draw(thread, ReplacementTables.Length, PagesLive, random =>
        random.Next(1, PagesMax + 1) * Page));

    /// <summary>Three blocks of 2 to 64 MiB, small ones as often as large ones by their logarithm, in whole pages.</summary>
    public static MarkedSetPlan Large { get; } = new(LargeLive, LargeOperationsFirst, thread => Draw(thread, LargeSteps, LargeLive, random =>
        LargeSizes.Draw(random, LargeMin, LargeMax)));

    private static Replacement[] Draw(int thread, int steps, int live, Func<Random, int> size)
    {
        var random = new Random(Seed + thread);
        return [.. Enumerable.Range(0, steps).Select(_ => new Replacement(random.Next(live), size(random)))];
    }
}
