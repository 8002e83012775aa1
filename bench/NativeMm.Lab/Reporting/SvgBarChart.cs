using NativeMm.Lab.Experiments;
using NativeMm.Lab.Harness;

namespace NativeMm.Lab.Reporting;

/// <summary>
/// Horizontal bars: the bar is the median, the whisker goes from smallest to largest. A name stands above its bar, so that it is never cut, and the whole is as wide as
/// a telephone.
/// </summary>
internal static class SvgBarChart
{
    /// <summary>Width of the image.</summary>
    public const double Width = 343;

    private const double Left = 12;
    private const double BarsWidth = 245;
    private const double NameHeight = 16;
    private const double BarHeight = 12;
    private const double RowHeight = 36;
    private const double AxisHeight = 36;

    /// <summary>The scale that groups have in common; null when no row of theirs has the metric.</summary>
    public static AxisScale? ScaleFor(IEnumerable<ResultGroup> groups, MetricDefinition metric)
    {
        double[] figures = [.. groups.SelectMany(g => g.Rows).Select(r => r.Find(metric.Name)).OfType<Spread>().SelectMany(s => new[] { s.Min, s.Median, s.Max })];
        return figures.Length == 0 ? null : AxisScale.For(figures, BarsWidth, metric.Unit);
    }

    /// <summary>Draws one metric of one group; empty when no row has it.</summary>
    /// <param name="group">The rows.</param>
    /// <param name="metric">The metric.</param>
    /// <param name="scale">That of this group and its neighbours.</param>
    public static string Draw(ResultGroup group, MetricDefinition metric, AxisScale scale)
    {
        ResultRow[] rows = [.. group.Rows.Where(r => r.Find(metric.Name) is not null)];
        if (rows.Length == 0)
        {
            return string.Empty;
        }

        double height = rows.Length * RowHeight;
        var svg = new SvgText(Width, height + AxisHeight, $"{group.Title}, {metric.Name}");
        DrawGrid(svg, scale, height, metric);
        for (int i = 0; i < rows.Length; i++)
        {
            DrawRow(svg, scale, i * RowHeight, rows[i], metric, group.IsOurs(rows[i]) ? "ours" : "peer");
        }

        return svg.Close();
    }

    private static void DrawGrid(SvgText svg, AxisScale scale, double height, MetricDefinition metric)
    {
        foreach (double tick in scale.Ticks)
        {
            double x = Left + scale.At(tick);
            svg.Line(x, 0, x, height, "grid").Label(x, height + 14, QuantityText.Format(tick, metric.Unit), "tick", "middle");
        }

        svg.Label(Left + (BarsWidth / 2), height + 30, (metric.LowerIsBetter ? "less is better" : "more is better") + (scale.IsLogarithmic ? ", logarithmic" : ""), "tick", "middle");
    }

    private static void DrawRow(SvgText svg, AxisScale scale, double top, ResultRow row, MetricDefinition metric, string style)
    {
        Spread spread = row.Find(metric.Name)!.Value;
        double bar = top + NameHeight;
        double middle = bar + (BarHeight / 2);
        double low = Left + scale.At(spread.Min);
        double high = Left + scale.At(spread.Max);
        string hint = $"{row.Case.Variant}: min {QuantityText.Format(spread.Min, metric.Unit)}, median {QuantityText.Format(spread.Median, metric.Unit)}, "
            + $"max {QuantityText.Format(spread.Max, metric.Unit)}, {row.Launches} launches";
        svg.Label(Left, top + 12, row.Case.Variant, style + " name", "start")
            .Box(Left, bar, Math.Max(1, scale.At(spread.Median)), BarHeight, style, hint)
            .Line(low, middle, high, middle, "whisker")
            .Line(low, middle - 4, low, middle + 4, "whisker")
            .Line(high, middle - 4, high, middle + 4, "whisker")
            .Label(high + 6, middle + 4, QuantityText.Format(spread.Median, metric.Unit), "figure", "start");
    }
}
