using System.Diagnostics;
using NativeMm.Lab.Experiments;
using Spectre.Console;

namespace NativeMm.Lab.Reporting;

/// <summary>A progress bar on standard error; on anything but a terminal a line now and then, so that logs stay short and still say how far it is.</summary>
internal static class ProgressDisplay
{
    private static readonly TimeSpan s_betweenLines = TimeSpan.FromSeconds(30);

    /// <summary>Runs work that reports its progress.</summary>
    /// <param name="budget">When it ends at the latest; null for when all is done.</param>
    /// <param name="work">Is given what to call before each launch: the case, launches done, launches in all.</param>
    public static TResult Show<TResult>(TimeSpan? budget, Func<Action<Case, int, int>, TResult> work)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        if (Console.IsErrorRedirected || !console.Profile.Capabilities.Interactive)
        {
            return work(Lines(budget));
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

    /// <summary>
    /// Writes how many launches there are; how long they will take, once a few have told; and every half minute how far it is.
    /// </summary>
    private static Action<Case, int, int> Lines(TimeSpan? budget)
    {
        const int LaunchesThatTell = 3;
        long start = Stopwatch.GetTimestamp();
        TimeSpan next = TimeSpan.Zero;
        return (launched, done, total) =>
        {
            TimeSpan passed = Stopwatch.GetElapsedTime(start);
            if (passed < next || (done != 0 && done < LaunchesThatTell))
            {
                return;
            }

            next = done == 0 ? TimeSpan.Zero : passed + s_betweenLines;
            TimeSpan left = done == 0 ? TimeSpan.Zero : passed / done * (total - done);
            left = budget is { } most && left > most - passed ? most - passed : left;
            string when = done == 0 ? string.Empty : $", about {Math.Max(1, (int)Math.Ceiling(left.TotalMinutes))} min to go";
            Console.Error.WriteLine($"{passed:mm\\:ss}  {done} of {total} launches{when}; next: {launched}");
        };
    }
}
