using NativeMm.Lab.Experiments;
using NativeMm.Lab.Harness;
using Spectre.Console;

namespace NativeMm.Lab.Reporting;

/// <summary>Tables on standard output.</summary>
internal static class TerminalReport
{
    private const int WidthWhenRedirected = 160;
    private const int ChartWidthMax = 100;

    private static readonly IAnsiConsole s_console = MakeConsole();

    /// <summary>What there is.</summary>
    public static void WriteExperiments(IReadOnlyList<IExperiment> experiments)
    {
        foreach (IExperiment experiment in experiments)
        {
            Table table = NewTable("kind", "name", "meaning");
            foreach (Variant variant in experiment.Variants)
            {
                AddRow(table, "variant", variant.Name, variant.Missing ?? variant.Summary);
            }

            foreach (ParameterDefinition parameter in experiment.Parameters)
            {
                AddRow(table, "--set", parameter.Name, $"{parameter.Summary}: {parameter.Allowed}; default {string.Join(',', parameter.Defaults)}");
            }

            foreach (MetricDefinition metric in experiment.Metrics)
            {
                AddRow(table, "metric", metric.Name, $"{metric.Summary} [{metric.Unit}]");
            }

            foreach (Bar bar in experiment.Bars)
            {
                AddRow(table, "bar", BarText(bar), bar.What);
            }

            Show($"{experiment.Name}: {experiment.Summary}", table);
        }
    }

    /// <summary>A table for every headline metric of every experiment.</summary>
    /// <param name="outcome">What was measured.</param>
    /// <param name="complete">Whether the other metrics get a table too.</param>
    public static void WriteResults(RunOutcome outcome, bool complete)
    {
        foreach (IGrouping<IExperiment, ResultGroup> groups in ResultGroup.Of(outcome.Rows).GroupBy(g => g.Experiment))
        {
            foreach (MetricDefinition metric in groups.Key.Metrics.Where(m => m.IsHeadline))
            {
                WriteTable([.. groups], metric);
            }

            if (complete)
            {
                WriteOtherMetrics(groups.Key, [.. groups]);
            }
        }

        s_console.WriteLine($"Launching took {outcome.Duration.TotalSeconds:0} s.");
    }

    /// <summary>A bar chart for the first headline metric that a group has.</summary>
    public static void WriteCharts(RunOutcome outcome)
    {
        foreach (ResultGroup group in ResultGroup.Of(outcome.Rows))
        {
            if (group.Headline is not { } metric)
            {
                continue;
            }

            BarChart chart = new BarChart().Width(Math.Min(ChartWidthMax, s_console.Profile.Width)).LeftAlignLabel()
                .Label(Markup.Escape($"{group.Experiment.Name} {group.Title}, {metric.Name}: {(metric.LowerIsBetter ? "less" : "more")} is better"))
                .UseValueFormatter((figure, _) => QuantityText.Format(figure, metric.Unit));
            foreach (ResultRow row in group.Rows)
            {
                if (row.Find(metric.Name) is { } spread)
                {
                    chart.AddItem(row.Case.Variant, spread.Median, group.IsOurs(row) ? Color.Green : Color.Grey);
                }
            }

            s_console.Write(chart);
            s_console.WriteLine();
        }
    }

    /// <summary>What became of the bars.</summary>
    public static void WriteVerdicts(IReadOnlyList<BarVerdict> verdicts)
    {
        Table table = NewTable("what", "figure", "bar", "verdict");
        foreach (BarVerdict verdict in verdicts)
        {
            AddRow(table, verdict.Bar.What, FigureText(verdict), BarText(verdict.Bar), verdict.Text);
        }

        Show("Bars", table);
        s_console.WriteLine($"Bars met: {verdicts.Count(v => v.IsMet)} of {verdicts.Count}.");
    }

    /// <summary>What changed between two files.</summary>
    public static void WriteChanges(IReadOnlyList<ResultChange> changes)
    {
        Table table = NewTable("case", "metric", "first", "second", "ratio", "spreads");
        foreach (ResultChange change in changes)
        {
            AddRow(
                table,
                change.Case.ToString(),
                change.Metric,
                QuantityText.Format(change.Before.Median, change.Unit),
                QuantityText.Format(change.After.Median, change.Unit),
                QuantityText.Ratio(change.Ratio),
                change.Text);
        }

        Show("Second file to first", table);
    }

    /// <summary>How a bar's limit is written.</summary>
    internal static string BarText(Bar bar) =>
        (bar.AtMost ? "≤ " : "≥ ") + (bar.IsRatio ? QuantityText.Ratio(bar.Limit) : QuantityText.Digits(bar.Limit));

    /// <summary>How a bar's figure is written.</summary>
    internal static string FigureText(BarVerdict verdict) => verdict.Figure is not { } figure
        ? "—"
        : verdict.Bar.IsRatio ? QuantityText.Ratio(figure) : QuantityText.Digits(figure);

    private static void WriteTable(IReadOnlyList<ResultGroup> groups, MetricDefinition metric)
    {
        Table table = NewTable("case", "variant", "min", "median", "max", "to best peer", "launches");
        foreach (ResultGroup group in groups)
        {
            double? best = group.BestPeer(metric);
            string title = group.Title;
            foreach (ResultRow row in group.Rows)
            {
                if (row.Find(metric.Name) is { } spread)
                {
                    AddRow(table, [title, row.Case.Variant, .. SpreadTexts(spread, metric.Unit), RatioText(spread.Median, best), $"{row.Launches}"]);
                    title = string.Empty;
                }
            }
        }

        Show($"{groups[0].Experiment.Name} {metric.Name}: {metric.Summary}", table);
    }

    private static void WriteOtherMetrics(IExperiment experiment, IReadOnlyList<ResultGroup> groups)
    {
        Table table = NewTable("case", "variant", "metric", "min", "median", "max");
        foreach (ResultGroup group in groups)
        {
            string title = group.Title;
            foreach (ResultRow row in group.Rows)
            {
                string variant = row.Case.Variant;
                foreach (MetricDefinition metric in experiment.Metrics.Where(m => !m.IsHeadline && row.Find(m.Name) is not null))
                {
                    AddRow(table, [title, variant, metric.Name, .. SpreadTexts(row.Find(metric.Name)!.Value, metric.Unit)]);
                    title = string.Empty;
                    variant = string.Empty;
                }
            }
        }

        Show($"{experiment.Name}: other metrics", table);
    }

    private static string[] SpreadTexts(Spread spread, string unit) =>
        [QuantityText.Format(spread.Min, unit), QuantityText.Format(spread.Median, unit), QuantityText.Format(spread.Max, unit)];

    private static string RatioText(double median, double? best) => best is { } peer ? QuantityText.Ratio(median / peer) : "—";

    private static void Show(string title, Table table)
    {
        if (table.Rows.Count > 0)
        {
            s_console.WriteLine();
            s_console.MarkupLine($"[bold]{Markup.Escape(title)}[/]");
            s_console.Write(table);
        }
    }

    private static Table NewTable(params string[] columns)
    {
        Table table = new Table().Border(TableBorder.Rounded);
        foreach (string column in columns)
        {
            // On a narrow terminal texts are broken between words; names are one word and would be broken inside.
            TableColumn added = new(Markup.Escape(column));
            table.AddColumn(column is "variant" or "metric" or "name" or "launches" ? added.NoWrap() : added);
        }

        return table;
    }

    private static void AddRow(Table table, params string[] cells) => table.AddRow([.. cells.Select(Markup.Escape)]);

    private static IAnsiConsole MakeConsole()
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(Console.Out),
            Ansi = Console.IsOutputRedirected ? AnsiSupport.No : AnsiSupport.Detect,
        });
        if (Console.IsOutputRedirected)
        {
            console.Profile.Width = WidthWhenRedirected;
        }

        return console;
    }
}
