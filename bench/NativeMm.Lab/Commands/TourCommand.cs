using NativeMm.Lab.Experiments;
using NativeMm.Lab.Harness;
using NativeMm.Lab.Reporting;

namespace NativeMm.Lab.Commands;

/// <summary>
/// What happens without a command: a part of every experiment, round after round, until the launches are done or the time is over. More
/// experiments mean fewer rounds, never a longer tour.
/// </summary>
internal static class TourCommand
{
    private static readonly TimeSpan s_budget = TimeSpan.FromSeconds(165);

    /// <summary>Runs the tour.</summary>
    public static int Run()
    {
        var settings = new RunSettings(RunSettings.SecondsQuick, RunSettings.RepeatDefault, Quick: true, Pin: true);
        Directory.CreateDirectory(RepositoryFolders.Artifacts);
        var files = new ReportFiles(null, Path.Combine(RepositoryFolders.Artifacts, "report.html"));
        files.CheckWritable();
        (Case, int)[] parts = [.. ExperimentRegistry.All.SelectMany(e => e.Tour.Cases.Select(c => (c, e.Tour.LaunchesMax)))];
        RunOutcome outcome = LabSession.Measure(LaunchOrder.Rounds(parts), settings, s_budget);
        TerminalReport.WriteResults(outcome, complete: false);
        TerminalReport.WriteCharts(outcome);
        bool areWritten = files.Write(outcome, []);
        return areWritten && outcome.IsComplete ? ExitCode.Success : ExitCode.Failure;
    }
}
