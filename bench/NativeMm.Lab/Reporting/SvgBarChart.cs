using NativeMm.Lab.Experiments;
using NativeMm.Lab.Harness;

namespace NativeMm.Lab.Reporting;

/// <summary>Horizontal bars: the bar is the median, the whisker goes from smallest to largest.</summary>
internal static class SvgBarChart
{
    private const double LabelWidth = 130;
    private const double BarsWidth = 300;
    private const double FigureWidth = 90;
    private const double RowHeight = 24;
    private const double AxisHeight = 26;

    /// <summary>Draws one metric of one group; empty when no row has it.</summary>
    public static string Draw(ResultGroup group, MetricDefinition metric)
    {
        ResultRow[] rows = [.. group.Rows.Where(r => r.Find(metric.Name) is not null)];
        if (rows.Length == 0)
        {
            return string.Empty;
        }

        AxisScale scale = AxisScale.For([.. rows.SelectMany(r => Figures(r, metric))], BarsWidth);
        double height = (rows.Length * RowHeight) + AxisHeight;
        var svg = new SvgText(LabelWidth + BarsWidth + FigureWidth, height, $"{group.Title}, {metric.Name}");
        DrawGrid(svg, scale, rows.Length * RowHeight, metric.Unit);
        for (int i = 0; i < rows.Length; i++)
        {
            DrawRow(svg, scale, i * RowHeight, rows[i], metric, group.IsOurs(rows[i]) ? "ours" : "peer");
        }

        return svg.Close();
    }

    private static double[] Figures(ResultRow row, MetricDefinition metric)
    {
        Spread spread = row.Find(metric.Name)!.Value;
        return [spread.Min, spread.Median, spread.Max];
    }

    private static void DrawGrid(SvgText svg, AxisScale scale, double height, string unit)
    {
        foreach (double tick in scale.Ticks)
        {
            double x = LabelWidth + scale.At(tick);
            svg.Line(x, 0, x, height, "grid").Label(x, height + 14, QuantityText.Format(tick, unit), "tick", "middle");
        }

        if (scale.IsLogarithmic)
        {
            svg.Label(LabelWidth - 6, height + 14, "logarithmic", "tick", "end");
        }
    }

    private static void DrawRow(SvgText svg, AxisScale scale, double top, ResultRow row, MetricDefinition metric, string style)
    {
        Spread spread = row.Find(metric.Name)!.Value;
        double middle = top + (RowHeight / 2);
        double low = LabelWidth + scale.At(spread.Min);
        double high = LabelWidth + scale.At(spread.Max);
        string hint = $"{row.Case.Variant}: min {QuantityText.Format(spread.Min, metric.Unit)}, median {QuantityText.Format(spread.Median, metric.Unit)}, "
            + $"max {QuantityText.Format(spread.Max, metric.Unit)}, {row.Launches} launches";
        svg.Label(LabelWidth - 6, middle + 4, row.Case.Variant, style + " name", "end")
            .Box(LabelWidth, top + 4, Math.Max(1, scale.At(spread.Median)), RowHeight - 8, style, hint)
            .Line(low, middle, high, middle, "whisker")
            .Line(low, middle - 4, low, middle + 4, "whisker")
            .Line(high, middle - 4, high, middle + 4, "whisker")
            .Label(high + 6, middle + 4, QuantityText.Format(spread.Median, metric.Unit), "figure", "start");
    }
}
