using NativeMm.Lab.Harness;

namespace NativeMm.Lab.Reporting;

/// <summary>The curves over time of a run as pictures that stand alone, for documents: one for each series of each group of cases.</summary>
internal static class CurvePictures
{
    private const string Open = "<svg ";

    /// <summary>The pictures with the names of their files, such as <c>service-longest-pause-4-compressible-2000.svg</c>.</summary>
    public static IEnumerable<(string Name, string Svg)> Of(IReadOnlyList<ResultRow> rows) =>
        from @group in ResultGroup.Of(rows)
        from series in @group.Rows.SelectMany(row => row.Series.Keys).Distinct()
        let scale = SvgLineChart.ScaleFor([@group], series, @group.Experiment.SeriesUnit)
        where scale is not null
        let svg = SvgLineChart.Draw(@group, series, @group.Experiment.SeriesUnit, scale)
        where svg.Length > 0
        let parameters = @group.Rows[0].Case.Parameters.Pairs.Select(pair => pair.Value)
        select (NameOf([@group.Experiment.Name, series, .. parameters]), Standing(svg));

    private static string NameOf(IEnumerable<string> parts) =>
        string.Concat(string.Join('-', parts).Select(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '.' ? letter : '-')) + ".svg";

    /// <summary>An image within a page has the page's style and its namespace; one that stands alone has both in it.</summary>
    private static string Standing(string svg) =>
        $"{Open}xmlns=\"http://www.w3.org/2000/svg\" {svg[Open.Length..].Insert(svg.IndexOf('>') + 1 - Open.Length, $"<style>{HtmlStyle.Text}svg {{ background: var(--paper); }}</style>")}\n";
}
