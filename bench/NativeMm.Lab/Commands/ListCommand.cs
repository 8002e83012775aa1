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
        var command = new Command("list", "show experiments, their variants, parameters, metrics and bars");
        command.SetAction(_ =>
        {
            TerminalReport.WriteExperiments(ExperimentRegistry.All);
            return ExitCode.Success;
        });
        return command;
    }
}
