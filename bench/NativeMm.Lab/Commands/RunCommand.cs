using System.CommandLine;
using NativeMm.Lab.Experiments;
using NativeMm.Lab.Harness;
using NativeMm.Lab.Reporting;

namespace NativeMm.Lab.Commands;

/// <summary><c>run</c>: measures what was asked for.</summary>
internal static class RunCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        Argument<string[]> experiments = LabOptions.Experiments("names of experiments, see list", required: true);
        var variants = new Option<string?>("--variants") { Description = "measure only these, separated by commas", HelpName = "A,B" };
        var threads = new Option<string?>("--threads") { Description = "numbers of threads, such as 1,2,4", HelpName = "N,M" };
        var seconds = new Option<string?>("--seconds") { Description = "seconds of measuring in each launch", HelpName = "S" };
        var settings = new Option<string[]>("--set") { Description = "set a parameter, such as size=64; may be repeated, values may be a list", HelpName = "KEY=VALUE" };
        var quick = new Option<bool>("--quick") { Description = "shorter launches and smaller memory experiments" };
        var pin = new Option<bool>("--pin") { Description = "pin threads to cores (default)" };
        var noPin = new Option<bool>("--no-pin") { Description = "let threads move between cores" };
        Option<string?> repeat = LabOptions.Repeat();
        Option<string?> json = LabOptions.Json();
        Option<string?> report = LabOptions.Report();
        Option<string?> pictures = LabOptions.Pictures();
        var command = new Command("run", "measure experiments, each case in several fresh processes, variants taking turns")
        {
            experiments, variants, threads, seconds, repeat, settings, quick, pin, noPin, json, report, pictures,
        };
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(pin) && parsed.GetValue(noPin))
            {
                throw new LabUsageException("--pin and --no-pin exclude each other.");
            }

            IExperiment[] chosen = [.. parsed.GetValue(experiments)!.Distinct().Select(ExperimentRegistry.Get)];
            string? only = parsed.GetValue(variants);
            var selection = new SelectionBuilder(
                chosen,
                only is null ? null : LabOptions.SplitList(only, "--variants"),
                LabOptions.ParseThreads(parsed.GetValue(threads)),
                parsed.GetValue(settings) ?? []);
            bool isQuick = parsed.GetValue(quick);
            double measured = LabOptions.ParseSeconds(parsed.GetValue(seconds)) ?? (isQuick ? RunSettings.SecondsQuick : RunSettings.SecondsDefault);
            var how = new RunSettings(measured, LabOptions.ParseRepeat(parsed.GetValue(repeat)), isQuick, !parsed.GetValue(noPin));
            return Run(selection.Cases(), how, new ReportFiles(parsed.GetValue(json), parsed.GetValue(report), parsed.GetValue(pictures)));
        });
        return command;
    }

    /// <summary>Measures cases and shows what came out.</summary>
    internal static int Run(IReadOnlyList<Case> cases, RunSettings settings, ReportFiles files)
    {
        files.CheckWritable();
        RunOutcome outcome = LabSession.Measure(LaunchOrder.Interleaved(cases, settings.Repeat), settings, budget: null);
        TerminalReport.WriteResults(outcome, complete: true);
        bool areWritten = files.Write(outcome, []);
        return areWritten && outcome.IsComplete ? ExitCode.Success : ExitCode.Failure;
    }
}
