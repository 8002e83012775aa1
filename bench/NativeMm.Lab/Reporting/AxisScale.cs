namespace NativeMm.Lab.Reporting;

/// <summary>Maps figures to lengths: linear from zero, or logarithmic where the figures differ too much to be read otherwise.</summary>
internal sealed class AxisScale
{
    private const double LogarithmicFrom = 20;
    private const int IntervalsMax = 5;

    private readonly double _low;
    private readonly double _high;
    private readonly double _length;

    private AxisScale(double low, double high, double length, bool logarithmic, IReadOnlyList<double> ticks)
    {
        _low = low;
        _high = high;
        _length = length;
        IsLogarithmic = logarithmic;
        Ticks = ticks;
    }

    /// <summary>Whether the axis is logarithmic.</summary>
    public bool IsLogarithmic { get; }

    /// <summary>Where to draw grid lines, in figures.</summary>
    public IReadOnlyList<double> Ticks { get; }

    /// <summary>Chooses the scale that fits figures best.</summary>
    /// <param name="figures">What will be drawn; at least one.</param>
    /// <param name="length">Length of the axis.</param>
    /// <param name="unit">Unit of the figures: ticks are round in it.</param>
    public static AxisScale For(IReadOnlyCollection<double> figures, double length, string unit)
    {
        // What is nothing has no place on a logarithmic axis and is drawn at its beginning.
        double high = figures.Max();
        double low = figures.Where(figure => figure > 0).DefaultIfEmpty(high).Min();
        return high / low > LogarithmicFrom ? Logarithmic(low, high, length, Base(unit)) : Linear(high, length, unit);
    }

    /// <summary>A linear scale from zero.</summary>
    public static AxisScale Linear(double high, double length, string unit)
    {
        if (high <= 0)
        {
            return new AxisScale(0, 1, length, logarithmic: false, [0, 1]);
        }

        double step = Base(unit) == 2 ? Math.Pow(2, Math.Ceiling(Math.Log2(high / 4))) : RoundStep(high / 4);
        double top = Math.Ceiling(high / step) * step;
        var ticks = new List<double>();
        for (int i = 0; i * step <= top * 1.0001; i++)
        {
            ticks.Add(i * step);
        }

        return new AxisScale(0, top, length, logarithmic: false, ticks);
    }

    /// <summary>Where a figure lies on the axis, within its length.</summary>
    public double At(double figure)
    {
        double share = IsLogarithmic ? Math.Log(figure / _low) / Math.Log(_high / _low) : (figure - _low) / (_high - _low);
        return Math.Clamp(share, 0, 1) * _length;
    }

    private static AxisScale Logarithmic(double low, double high, double length, int numberBase)
    {
        // Some room below keeps the shortest bar visible.
        int bottom = (int)Math.Floor(Math.Log(low, numberBase) - 0.3);
        int powers = (int)Math.Ceiling(Math.Log(high, numberBase) - 0.0001) - bottom;
        int step = (powers + IntervalsMax - 1) / IntervalsMax;
        int intervals = (powers + step - 1) / step;
        double[] ticks = [.. Enumerable.Range(0, intervals + 1).Select(i => Math.Pow(numberBase, bottom + (i * step)))];
        return new AxisScale(ticks[0], ticks[^1], length, logarithmic: true, ticks);
    }

    // A mebibyte is no round number of millions.
    private static int Base(string unit) => unit == "By" ? 2 : 10;

    // 1, 2 or 5 times a power of ten.
    private static double RoundStep(double rough)
    {
        double power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        double lead = rough / power;
        return (lead <= 1 ? 1 : lead <= 2 ? 2 : lead <= 5 ? 5 : 10) * power;
    }
}
