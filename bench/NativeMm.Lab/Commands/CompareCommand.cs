using System.CommandLine;
using NativeMm.Lab.Harness;
using NativeMm.Lab.Reporting;

namespace NativeMm.Lab.Commands;

/// <summary><c>compare</c>: what changed between two files of results.</summary>
internal static class CompareCommand
{
    private const int NamesMax = 5;

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var before = new Argument<string>("before") { Description = "results of the first run" };
        var after = new Argument<string>("after") { Description = "results of the second run" };
        var failAbove = new Option<string?>("--fail-above") { Description = "exit code 1 when a figure got worse by more than this, as 5%, and the spreads are apart, or is missing in the second file" };
        var command = new Command("compare", "show the ratio of medians of two result files, and whether their spreads overlap")
        {
            before, after, failAbove,
        };
        command.SetAction(parsed =>
        {
            double? part = LabOptions.ParsePercent(parsed.GetValue(failAbove), "--fail-above");
            IReadOnlyList<ResultRow> first = ResultFile.Read(parsed.GetValue(before)!);
            IReadOnlyList<ResultRow> second = ResultFile.Read(parsed.GetValue(after)!);
            IReadOnlyList<ResultChange> changes = ResultChange.Between(first, second);
            if (changes.Count == 0)
            {
                throw new LabUsageException("The two files have no row in common.");
            }

            foreach (string difference in RunConditions.Differences(ResultFile.ReadFacts(parsed.GetValue(before)!), ResultFile.ReadFacts(parsed.GetValue(after)!)))
            {
                Console.Error.WriteLine($"The two were not made alike. {difference}.");
            }

            IReadOnlyList<string> missing = ResultChange.Missing(first, second);
            SayOnlyIn("first", missing);
            SayOnlyIn("second", ResultChange.Missing(second, first));
            TerminalReport.WriteChanges(changes);
            return part is { } most && (missing.Count > 0 || changes.Any(change => change.IsWorseBy(most))) ? ExitCode.Failure : ExitCode.Success;
        });
        return command;
    }

    private static void SayOnlyIn(string file, IReadOnlyList<string> names)
    {
        if (names.Count > 0)
        {
            string more = names.Count > NamesMax ? $" and {names.Count - NamesMax} more" : string.Empty;
            Console.Error.WriteLine($"Only in the {file} file: {string.Join("; ", names.Take(NamesMax))}{more}.");
        }
    }
}
