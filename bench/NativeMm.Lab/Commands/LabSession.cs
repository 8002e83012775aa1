using System.Globalization;
using NativeMm.Lab.Experiments;
using NativeMm.Lab.Harness;
using NativeMm.Lab.Reporting;

namespace NativeMm.Lab.Commands;

/// <summary>A measurement with progress on standard error and, at its end, one line for everything that was left out or failed.</summary>
internal static class LabSession
{
    /// <summary>Measures.</summary>
    /// <param name="launches">What to launch, in order.</param>
    /// <param name="settings">How to measure.</param>
    /// <param name="budget">When to stop launching; null means when all is done.</param>
    public static RunOutcome Measure(IEnumerable<Case> launches, RunSettings settings, TimeSpan? budget)
    {
        double? before = ProcessorUse.Sample();
        if (before > ProcessorUse.BusyShare)
        {
            Console.Error.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"This machine is busy: others use {before * 100:F0} % of its processors. Figures will scatter, and bars may be missed for it."));
        }

        Case[] all = [.. launches];
        if (ExpectedDuration.Text(all.Length, settings, budget) is { } expected)
        {
            Console.Error.WriteLine(expected);
        }

        var runner = new LabRunner(settings, ChildProcess.Launch);
        using var interruption = new Interruption();
        RunOutcome outcome = ProgressDisplay.Show(budget, progress => runner.Run(all, progress, budget, () => interruption.Came));
        outcome = outcome with { Conditions = new RunConditions(settings, before, ProcessorUse.Sample()) { IsInterrupted = outcome.IsInterrupted } };
        foreach (string line in outcome.LeftOut)
        {
            Console.Error.WriteLine(line);
        }

        foreach ((Case failed, string why) in outcome.Failures)
        {
            Console.Error.WriteLine($"{failed} failed: {why}");
        }

        return outcome;
    }
}
