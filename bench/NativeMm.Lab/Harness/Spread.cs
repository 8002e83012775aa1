namespace NativeMm.Lab.Harness;

/// <summary>What several launches agree on: the figure of each launch, condensed.</summary>
/// <param name="Min">The smallest.</param>
/// <param name="Median">The middle one; between the two middle ones when their number is even.</param>
/// <param name="Max">The largest.</param>
internal readonly record struct Spread(double Min, double Median, double Max)
{
    /// <summary>Condenses figures.</summary>
    /// <param name="figures">At least one, in any order.</param>
    public static Spread Of(IReadOnlyCollection<double> figures)
    {
        ArgumentOutOfRangeException.ThrowIfZero(figures.Count);
        double[] sorted = [.. figures.Order()];
        int middle = sorted.Length / 2;
        double median = sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
        return new Spread(sorted[0], median, sorted[^1]);
    }

    /// <summary>Whether the ranges from smallest to largest have a value in common.</summary>
    public bool Overlaps(Spread other) => Min <= other.Max && other.Min <= Max;
}
