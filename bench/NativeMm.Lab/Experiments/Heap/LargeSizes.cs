namespace NativeMm.Lab.Experiments.Heap;

/// <summary>Sizes of large blocks: small ones as often as large ones by their logarithm.</summary>
internal static class LargeSizes
{
    /// <summary>A size in whole pages.</summary>
    /// <param name="random">Where chance comes from.</param>
    /// <param name="least">The smallest, in bytes.</param>
    /// <param name="most">The largest, in bytes.</param>
    public static int Draw(Random random, int least, int most) => (int)(least * Math.Pow((double)most / least, random.NextDouble())) & ~(MarkedSetPlan.Page - 1);
}
