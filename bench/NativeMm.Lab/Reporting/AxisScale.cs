namespace NativeMm.Lab.Reporting;

/// <summary>Maps figures to lengths: linear from zero, or logarithmic where the figures differ too much to be read otherwise.</summary>
internal sealed class AxisScale
{
    private const double LogarithmicFrom = 20;

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
    public static AxisScale For(IReadOnlyCollection<double> figures, double length)
    {
        double high = figures.Max();
        double low = figures.Min();
        return low > 0 && high / low > LogarithmicFrom ? Logarithmic(low, high, length) : Linear(high, length);
    }

    /// <summary>A linear scale from zero.</summary>
    public static AxisScale Linear(double high, double length)
    {
        if (high <= 0)
        {
            return new AxisScale(0, 1, length, logarithmic: false, [0, 1]);
        }

        double step = RoundStep(high / 4);
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

    private static AxisScale Logarithmic(double low, double high, double length)
    {
        // Some room below keeps the shortest bar visible.
        double bottom = Math.Pow(10, Math.Floor(Math.Log10(low) - 0.3));
        double top = Math.Pow(10, Math.Ceiling(Math.Log10(high)));
        var ticks = new List<double>();
        for (double tick = bottom; tick <= top * 1.0001; tick *= 10)
        {
            ticks.Add(tick);
        }

        return new AxisScale(bottom, top, length, logarithmic: true, ticks);
    }

    // 1, 2 or 5 times a power of ten.
    private static double RoundStep(double rough)
    {
        double power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        double lead = rough / power;
        return (lead <= 1 ? 1 : lead <= 2 ? 2 : lead <= 5 ? 5 : 10) * power;
    }
}
