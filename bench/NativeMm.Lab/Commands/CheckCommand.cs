using System.CommandLine;
using NativeMm.Lab.Experiments;
using NativeMm.Lab.Harness;
using NativeMm.Lab.Reporting;

namespace NativeMm.Lab.Commands;

/// <summary><c>check</c>: measures what the bars need and holds it against them.</summary>
internal static class CheckCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        Argument<string[]> experiments = LabOptions.Experiments("names of experiments; none means all", required: false);
        Option<string?> repeat = LabOptions.Repeat();
        var quick = new Option<bool>("--quick") { Description = "shorter launches and smaller memory experiments: a first look, not a verdict" };
        Option<string?> json = LabOptions.Json();
        Option<string?> report = LabOptions.Report();
        var command = new Command("check", "measure what the bars need; exit code 1 when one is missed or cannot be measured here")
        {
            experiments, repeat, quick, json, report,
        };
        command.SetAction(parsed =>
        {
            string[] names = parsed.GetValue(experiments) ?? [];
            IReadOnlyList<IExperiment> chosen = names.Length == 0 ? ExperimentRegistry.All : [.. names.Distinct().Select(ExperimentRegistry.Get)];
            int? launches = LabOptions.ParseRepeat(parsed.GetValue(repeat));
            return Run(chosen, launches, parsed.GetValue(quick), new ReportFiles(parsed.GetValue(json), parsed.GetValue(report)));
        });
        return command;
    }

    private static int Run(IReadOnlyList<IExperiment> experiments, int? repeat, bool quick, ReportFiles files)
    {
        files.CheckWritable();
        var settings = new RunSettings(quick ? RunSettings.SecondsQuick : RunSettings.SecondsDefault, repeat, quick, Pin: true);
        Bar[] bars = [.. experiments.SelectMany(e => e.Bars)];
        IEnumerable<Case> cases = bars.SelectMany(b => b.Cases).Distinct();
        RunOutcome outcome = LabSession.Measure(LaunchOrder.Interleaved(cases, repeat), settings, budget: null);
        BarVerdict[] verdicts = [.. bars.Select(b => BarVerdict.Of(b, outcome))];
        TerminalReport.WriteVerdicts(verdicts);
        bool areWritten = files.Write(outcome, verdicts);
        return areWritten && !outcome.IsInterrupted && verdicts.All(v => v.IsMet) ? ExitCode.Success : ExitCode.Failure;
    }
}
