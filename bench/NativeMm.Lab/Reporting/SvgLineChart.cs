using NativeMm.Lab.Harness;

namespace NativeMm.Lab.Reporting;

/// <summary>Curves over time, one a variant, of the first launch.</summary>
internal static class SvgLineChart
{
    private const double Left = 56;
    private const double Width = 270;
    private const double Right = 17;
    private const double Height = 180;
    private const double Top = 8;
    private const double Below = 26;
    private const double LegendRow = 18;
    private const int Styles = 6;

    /// <summary>The scale of the values that groups have in common; null when no row of theirs has the series.</summary>
    public static AxisScale? ScaleFor(IEnumerable<ResultGroup> groups, string series, string unit)
    {
        double[] values = [.. groups.SelectMany(g => g.Rows).SelectMany(r => r.Series.GetValueOrDefault(series) ?? []).Select(p => p.Y)];
        return values.Length == 0 ? null : AxisScale.Linear(values.Max(), Height, unit);
    }

    /// <summary>Draws one series of one group; empty when no row has it.</summary>
    /// <param name="group">The rows.</param>
    /// <param name="series">Name of the series.</param>
    /// <param name="unit">Unit of its values.</param>
    /// <param name="vertical">That of this group and its neighbours.</param>
    public static string Draw(ResultGroup group, string series, string unit, AxisScale vertical)
    {
        ResultRow[] rows = [.. group.Rows.Where(r => r.Series.TryGetValue(series, out IReadOnlyList<SeriesPoint>? points) && points.Count > 1)];
        if (rows.Length == 0)
        {
            return string.Empty;
        }

        SeriesPoint[] all = [.. rows.SelectMany(r => r.Series[series])];
        double from = all.Min(p => p.X);
        AxisScale horizontal = AxisScale.Linear(all.Max(p => p.X) - from, Width, "s");
        var svg = new SvgText(Left + Width + Right, Top + Height + Below + (rows.Length * LegendRow), $"{group.Title}, {series}");
        DrawGrid(svg, vertical, horizontal, unit);
        for (int i = 0; i < rows.Length; i++)
        {
            string style = group.IsOurs(rows[i]) ? "curve ours" : $"curve c{i % Styles}";
            svg.Curve(rows[i].Series[series].Select(p => (Left + horizontal.At(p.X - from), Top + Height - vertical.At(p.Y))), style, rows[i].Case.Variant);
            double y = Top + Height + Below + (i * LegendRow);
            svg.Line(Left, y, Left + 24, y, style).Label(Left + 32, y + 4, rows[i].Case.Variant, "figure", "start");
        }

        return svg.Close();
    }

    private static void DrawGrid(SvgText svg, AxisScale vertical, AxisScale horizontal, string unit)
    {
        foreach (double tick in vertical.Ticks)
        {
            double y = Top + Height - vertical.At(tick);
            svg.Line(Left, y, Left + Width, y, "grid").Label(Left - 6, y + 4, QuantityText.Format(tick, unit), "tick", "end");
        }

        foreach (double tick in horizontal.Ticks)
        {
            svg.Label(Left + horizontal.At(tick), Top + Height + 16, QuantityText.Format(tick, "s"), "tick", "middle");
        }
    }
}
