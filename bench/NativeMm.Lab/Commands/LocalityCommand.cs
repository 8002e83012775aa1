using System.CommandLine;
using NativeMm.Lab.Experiments;

namespace NativeMm.Lab.Commands;

/// <summary><c>locality</c>: the experiment of that name in one launch each, because addresses hardly differ from launch to launch.</summary>
internal static class LocalityCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var traces = new Argument<string[]>("trace") { Description = "short names or trace files; none means all", Arity = ArgumentArity.ZeroOrMore };
        var variants = new Option<string?>("--variants") { Description = "measure only these, separated by commas", HelpName = "A,B" };
        var repeat = new Option<string?>("--repeat") { Description = "launches of each case (default 1)", HelpName = "N" };
        Option<string?> json = LabOptions.Json();
        var command = new Command("locality", "count the cache lines and pages over which allocators spread a trace's stores") { traces, variants, repeat, json };
        command.SetAction(parsed =>
        {
            string? only = parsed.GetValue(variants);
            var selection = new SelectionBuilder(
                [ExperimentRegistry.Get("locality")],
                only is null ? null : LabOptions.SplitList(only, "--variants"),
                null,
                (parsed.GetValue(traces) ?? []).Select(t => $"trace={t}"));
            int? launches = LabOptions.ParseRepeat(parsed.GetValue(repeat) ?? "1");
            return RunCommand.Run(
                selection.Cases(), new Harness.RunSettings(0, launches, Quick: false, Pin: true), new ReportFiles(parsed.GetValue(json), null));
        });
        return command;
    }
}
