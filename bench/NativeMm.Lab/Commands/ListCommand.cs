using System.CommandLine;
using NativeMm.Lab.Experiments;
using NativeMm.Lab.Reporting;

namespace NativeMm.Lab.Commands;

/// <summary><c>list</c>: what there is.</summary>
internal static class ListCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        Argument<string[]> experiments = LabOptions.Experiments("names of experiments; none means all", required: false);
        var command = new Command("list", "show experiments, their variants, parameters, metrics and bars") { experiments };
        command.SetAction(parsed =>
        {
            string[] names = parsed.GetValue(experiments) ?? [];
            TerminalReport.WriteExperiments(names.Length == 0 ? ExperimentRegistry.All : [.. names.Distinct().Select(ExperimentRegistry.Get)]);
            return ExitCode.Success;
        });
        return command;
    }
}
