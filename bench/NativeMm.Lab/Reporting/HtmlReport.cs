using System.Globalization;
using System.Text;
using NativeMm.Lab.Experiments;
using NativeMm.Lab.Harness;

namespace NativeMm.Lab.Reporting;

/// <summary>One page with everything in it: no script, no font, no image from elsewhere.</summary>
internal static class HtmlReport
{
    /// <summary>The page.</summary>
    public static string Format(MachineInfo machine, RunOutcome outcome, IReadOnlyList<BarVerdict> verdicts)
    {
        var page = new StringBuilder();
        page.Append("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n");
        page.Append("<title>NativeMm lab</title>\n<style>\n").Append(HtmlStyle.Text).Append("</style>\n</head>\n<body>\n<h1>NativeMm lab</h1>\n");
        page.Append("<p>Each bar is the median over launches of fresh processes, its whisker goes from the smallest to the largest. NativeMm is green. ");
        page.Append("Charts beside each other have one scale.</p>\n");
        AppendFacts(page, "How it was made", outcome.Conditions?.Facts ?? []);
        AppendFacts(page, "Machine and versions", machine.Facts);
        AppendLeftOut(page, outcome);
        AppendVerdicts(page, verdicts);
        foreach (IGrouping<IExperiment, ResultGroup> groups in ResultGroup.Of(outcome.Rows).GroupBy(g => g.Experiment))
        {
            AppendExperiment(page, groups.Key, [.. groups]);
        }

        return page.Append("</body>\n</html>\n").ToString();
    }

    private static void AppendFacts(StringBuilder page, string title, IReadOnlyList<KeyValuePair<string, string>> facts)
    {
        if (facts.Count == 0)
        {
            return;
        }

        page.Append(CultureInfo.InvariantCulture, $"<details open class=\"facts\"><summary>{title}</summary>\n<div class=\"wide\"><table>\n");
        foreach ((string name, string value) in facts)
        {
            page.Append(CultureInfo.InvariantCulture, $"<tr><th>{Escape(name)}</th><td>{Escape(value)}</td></tr>\n");
        }

        page.Append("</table></div></details>\n");
    }

    private static void AppendLeftOut(StringBuilder page, RunOutcome outcome)
    {
        string[] lines = [.. outcome.LeftOut, .. outcome.Failures.Select(f => $"{f.Key} failed: {f.Value}")];
        if (lines.Length > 0)
        {
            page.Append("<ul class=\"left-out\">\n");
            page.AppendJoin('\n', lines.Select(l => $"<li>{Escape(l)}</li>")).Append("\n</ul>\n");
        }
    }

    private static void AppendVerdicts(StringBuilder page, IReadOnlyList<BarVerdict> verdicts)
    {
        if (verdicts.Count == 0)
        {
            return;
        }

        page.Append("<h2>Bars</h2>\n<div class=\"wide\"><table>\n<tr><th>what</th><th>figure</th><th>bar</th><th>verdict</th></tr>\n");
        foreach (BarVerdict verdict in verdicts)
        {
            string style = verdict.IsMet ? "met" : "missed";
            page.Append(
                CultureInfo.InvariantCulture,
                $"<tr class=\"{style}\"><td>{Escape(verdict.Bar.What)}</td><td>{TerminalReport.FigureText(verdict)}</td>");
            page.Append(CultureInfo.InvariantCulture, $"<td>{TerminalReport.BarText(verdict.Bar)}</td><td>{Escape(verdict.Text)}</td></tr>\n");
        }

        page.Append("</table></div>\n");
    }

    private static void AppendExperiment(StringBuilder page, IExperiment experiment, IReadOnlyList<ResultGroup> groups)
    {
        page.Append(CultureInfo.InvariantCulture, $"<h2>{Escape(experiment.Name)}</h2>\n<p>{Escape(experiment.Summary)}</p>\n");
        foreach (MetricDefinition metric in experiment.Metrics.Where(m => m.IsHeadline))
        {
            AppendFigures(
                page,
                $"{metric.Name}: {metric.Summary}",
                groups,
                row => SvgBarChart.ScaleFor(row, metric),
                (group, scale) => SvgBarChart.Draw(group, metric, scale));
        }

        foreach (string series in groups.SelectMany(g => g.Rows).SelectMany(r => r.Series.Keys).Distinct())
        {
            AppendFigures(
                page,
                $"{series} over time, first launch",
                groups,
                row => SvgLineChart.ScaleFor(row, series, experiment.SeriesUnit),
                (group, scale) => SvgLineChart.Draw(group, series, experiment.SeriesUnit, scale));
        }

        AppendTable(page, groups);
    }

    private static void AppendFigures(
        StringBuilder page, string title, IReadOnlyList<ResultGroup> groups, Func<IReadOnlyList<ResultGroup>, AxisScale?> scaleFor, Func<ResultGroup, AxisScale, string> draw)
    {
        bool isBegun = false;
        foreach (IReadOnlyList<ResultGroup> row in ResultGroup.Neighbours(groups))
        {
            (string Title, string Image)[] figures = scaleFor(row) is { } scale ? [.. row.Select(g => (g.Title, Image: draw(g, scale))).Where(f => f.Image.Length > 0)] : [];
            if (figures.Length == 0)
            {
                continue;
            }

            page.Append(isBegun ? string.Empty : $"<h3>{Escape(title)}</h3>\n").Append("<div class=\"charts\">\n");
            isBegun = true;
            foreach ((string caption, string image) in figures)
            {
                page.Append(CultureInfo.InvariantCulture, $"<figure><figcaption>{Escape(caption)}</figcaption>{image}</figure>\n");
            }

            page.Append("</div>\n");
        }
    }

    private static void AppendTable(StringBuilder page, IReadOnlyList<ResultGroup> groups)
    {
        page.Append("<details><summary>All figures</summary>\n<div class=\"wide\"><table>\n<tr><th>case</th><th>variant</th><th>metric</th><th>min</th><th>median</th>");
        page.Append("<th>max</th><th>launches</th></tr>\n");
        foreach (ResultGroup group in groups)
        {
            foreach (ResultRow row in group.Rows)
            {
                foreach (MetricResult metric in row.Metrics)
                {
                    page.Append(CultureInfo.InvariantCulture, $"<tr><td>{Escape(group.Title)}</td><td>{Escape(row.Case.Variant)}</td><td>{metric.Name}</td>");
                    page.Append(CultureInfo.InvariantCulture, $"<td>{Figure(metric.Spread.Min)}</td><td>{Figure(metric.Spread.Median)}</td>");
                    page.Append(CultureInfo.InvariantCulture, $"<td>{Figure(metric.Spread.Max)}</td><td>{row.Launches}</td></tr>\n");

                    string Figure(double value) => QuantityText.Format(value, metric.Unit);
                }
            }
        }

        page.Append("</table></div></details>\n");
    }

    private static string Escape(string text) => SvgText.Escape(text);
}
