using NativeMm.Explorer.Cases;
using NativeMm.Explorer.Machine;

namespace NativeMm.Explorer.Running;

/// <summary>Counts the writes to shared lines of the fast paths.</summary>
internal static class FastPathCounter
{
    private const int WarmUps = 8;
    private const int Operations = 100;
    private const double Tolerance = 0.001;

    /// <summary>Counts all of them.</summary>
    /// <returns>Lines of a table; those above their bar begin with an exclamation mark.</returns>
    public static IEnumerable<string> Count()
    {
        FastPathList.ConfigureSharedHeap();
        foreach (FastPath path in FastPathList.All)
        {
            double writes = Count(path);
            yield return FormattableString.Invariant($"{(writes > path.Bar + Tolerance ? "!" : "")}| {path.Name} | {writes:0.##} | {path.Bar} |");
        }
    }

    private static double Count(FastPath path)
    {
        CollectionFree.Begin();
        Search.Begin();
        Search.Restart();
        Contention.Forget();
        Races.AreWatched = false;
        Arena.Reset();
        ThreadStatics.Reset();
        ThreadStatics.Load(Fibers.Main);
        Func<int, Action> make = path.Prepare();
        (string, Action, Action?)[] threads = [.. Enumerable.Range(0, 2).Select(i => Thread(make(i), i))];
        Lines.Reset();
        Execution.Run(threads, new Bounds(Preemptions: 0, StaleReads: 0) { StepsMax = int.MaxValue }, null);
        CollectionFree.End();
        return Execution.Failure is null ? Lines.SharedWrites / (2.0 * Operations) : throw new InvalidOperationException($"{path.Name}: {Execution.Failure}");
    }

    private static (string Name, Action Body, Action? Before) Thread(Action operation, int number) => ($"thread {number}", () => Repeat(operation, Operations), null);

    /// <summary>Both strands are warm before either is counted: at a wait the other one goes on.</summary>
    private static void Repeat(Action operation, int operations)
    {
        operation();
        Execution.Wait(patient: true);
        for (int i = 0; i < WarmUps; i++)
        {
            operation();
        }

        Execution.Wait(patient: true);
        Lines.AreCounted = true;
        for (int i = 0; i < operations; i++)
        {
            operation();
        }

        Lines.AreCounted = false;
    }
}
