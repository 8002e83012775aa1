namespace NativeMm.Lab.Experiments.Heap;

/// <summary>
/// Which live block is replaced next, and by what size: computed before the clock runs, the same for every allocator and every launch.
/// </summary>
internal static class ReplacementTables
{
    /// <summary>Entries of a table, a power of two; small enough to stay in the first caches.</summary>
    public const int Length = 8192;

    /// <summary>Blocks that are live at any moment.</summary>
    public const int Live = 1000;

    private const int Seed = 0x6d6d;
    private const double MixedMedian = 96;
    private const double MixedSigma = 0.9;
    private const int MixedMin = 16;
    private const int MixedMax = 1024;

    /// <summary>Any block is next.</summary>
    public static ushort[] AnyOrder(int thread)
    {
        var random = new Random(Seed + thread);
        return [.. Enumerable.Range(0, Length).Select(_ => (ushort)random.Next(Live))];
    }

    /// <summary>Always the same size.</summary>
    public static int[] OneSize(int bytes)
    {
        var sizes = new int[Length];
        Array.Fill(sizes, bytes);
        return sizes;
    }

    /// <summary>Sizes as services have them: many small ones, few large, 16 to 1024 bytes.</summary>
    public static int[] MixedSizes(int thread) => LogNormal(Length, Seed + 1000 + thread, MixedMedian, MixedSigma, MixedMin, MixedMax);

    /// <summary>Draws sizes whose logarithm is normally distributed; those outside the range are drawn again.</summary>
    public static int[] LogNormal(int count, int seed, double median, double sigma, int least, int most)
    {
        var random = new Random(seed);
        var sizes = new int[count];
        for (int filled = 0; filled < count;)
        {
            // Box and Muller's way from two even draws to a normal one.
            double normal = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
            double size = median * Math.Exp(sigma * normal);
            if (size >= least && size <= most)
            {
                sizes[filled++] = (int)size;
            }
        }

        return sizes;
    }
}
