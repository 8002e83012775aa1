using NativeMm.Lab.Experiments;
using Spectre.Console;

namespace NativeMm.Lab.Reporting;

/// <summary>A progress bar on standard error; on anything but a terminal it stays silent, so that logs stay short.</summary>
internal static class ProgressDisplay
{
    /// <summary>Runs work that reports its progress.</summary>
    /// <param name="work">Is given what to call before each launch: the case, launches done, launches in all.</param>
    public static TResult Show<TResult>(Func<Action<Case, int, int>, TResult> work)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        if (Console.IsErrorRedirected || !console.Profile.Capabilities.Interactive)
        {
            return work((_, _, _) => { });
        }

        TResult? result = default;
        console.Progress()
            .AutoClear(true)
            .Columns(new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn(), new TaskDescriptionColumn { Alignment = Justify.Left })
            .Start(context =>
            {
                ProgressTask bar = context.AddTask("starting");
                result = work((next, done, total) =>
                {
                    bar.MaxValue = Math.Max(1, total);
                    bar.Value = done;
                    bar.Description = Markup.Escape(next.ToString());
                });
            });
        return result!;
    }
}
