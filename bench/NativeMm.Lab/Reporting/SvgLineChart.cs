using NativeMm.Lab.Harness;

namespace NativeMm.Lab.Reporting;

/// <summary>Curves over time, one a variant, of the first launch.</summary>
internal static class SvgLineChart
{
    private const double Left = 70;
    private const double Width = 460;
    private const double Height = 220;
    private const double Top = 8;
    private const double Below = 26;
    private const double LegendRow = 18;
    private const int Styles = 6;

    /// <summary>Draws one series of one group; empty when no row has it.</summary>
    /// <param name="group">The rows.</param>
    /// <param name="series">Name of the series.</param>
    /// <param name="unit">Unit of its values.</param>
    public static string Draw(ResultGroup group, string series, string unit)
    {
        ResultRow[] rows = [.. group.Rows.Where(r => r.Series.TryGetValue(series, out IReadOnlyList<SeriesPoint>? points) && points.Count > 1)];
        if (rows.Length == 0)
        {
            return string.Empty;
        }

        SeriesPoint[] all = [.. rows.SelectMany(r => r.Series[series])];
        double from = all.Min(p => p.X);
        double span = Math.Max(all.Max(p => p.X) - from, double.Epsilon);
        AxisScale vertical = AxisScale.Linear(all.Max(p => p.Y), Height);
        var svg = new SvgText(Left + Width + 20, Top + Height + Below + (rows.Length * LegendRow), $"{group.Title}, {series}");
        DrawGrid(svg, vertical, from, span, unit);
        for (int i = 0; i < rows.Length; i++)
        {
            string style = group.IsOurs(rows[i]) ? "curve ours" : $"curve c{i % Styles}";
            svg.Curve(rows[i].Series[series].Select(p => (Left + ((p.X - from) / span * Width), Top + Height - vertical.At(p.Y))), style, rows[i].Case.Variant);
            double y = Top + Height + Below + (i * LegendRow);
            svg.Line(Left, y, Left + 24, y, style).Label(Left + 32, y + 4, rows[i].Case.Variant, "figure", "start");
        }

        return svg.Close();
    }

    private static void DrawGrid(SvgText svg, AxisScale vertical, double from, double span, string unit)
    {
        const int Steps = 5;
        foreach (double tick in vertical.Ticks)
        {
            double y = Top + Height - vertical.At(tick);
            svg.Line(Left, y, Left + Width, y, "grid").Label(Left - 6, y + 4, QuantityText.Format(tick, unit), "tick", "end");
        }

        for (int i = 0; i <= Steps; i++)
        {
            double x = Left + (Width * i / Steps);
            svg.Label(x, Top + Height + 16, $"{QuantityText.Digits(Math.Round(from + (span * i / Steps), 1))} s", "tick", "middle");
        }
    }
}
