namespace NativeMm.Lab.Harness;

/// <summary>How a cost grows with the size of a task: <c>cost = factor × sizeᵉ</c>.</summary>
internal static class PowerLaw
{
    /// <summary>
    /// The exponent of the power law that fits best: the slope of the straight line through the logarithms, by least squares. Every point
    /// weighs the same, however large its cost is.
    /// </summary>
    /// <param name="sizes">At least two different sizes, all above 0.</param>
    /// <param name="costs">The cost of each, above 0.</param>
    public static double Exponent(IReadOnlyList<double> sizes, IReadOnlyList<double> costs)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(costs.Count, sizes.Count);
        double[] x = [.. sizes.Select(LogOf)];
        double[] y = [.. costs.Select(LogOf)];
        if (x.Distinct().Count() < 2)
        {
            throw new ArgumentException($"A power law needs at least 2 different sizes, not {string.Join(", ", sizes)}.", nameof(sizes));
        }

        double middleX = x.Average();
        double middleY = y.Average();
        double together = x.Zip(y, (left, right) => (left - middleX) * (right - middleY)).Sum();
        return together / x.Sum(value => (value - middleX) * (value - middleX));
    }

    private static double LogOf(double value) => value > 0 && double.IsFinite(value)
        ? Math.Log(value)
        : throw new ArgumentOutOfRangeException(nameof(value), value, "A power law is fitted to numbers above 0.");
}
