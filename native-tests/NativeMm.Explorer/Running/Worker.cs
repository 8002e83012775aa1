using NativeMm.Explorer.Machine;

namespace NativeMm.Explorer.Running;

/// <summary>A process that searches: it has the rewritten library, reads jobs from its input, and writes outcomes.</summary>
internal static class Worker
{
    /// <summary>Ends each outcome.</summary>
    public const string EndOfOutcome = ".";

    /// <summary>In place of a job: count the writes of the fast paths.</summary>
    public const string CountFastPaths = "count";

    /// <summary>Works until there is no more input.</summary>
    public static int Run()
    {
        ReadNotes(Path.Combine(AppContext.BaseDirectory, RewrittenCopy.NotesName));
        while (Console.ReadLine() is { } line)
        {
            if (line == CountFastPaths)
            {
                foreach (string row in FastPathCounter.Count())
                {
                    Console.WriteLine(row);
                }

                Console.WriteLine(EndOfOutcome);
                continue;
            }

            Job job = Job.Parse(line);
            Outcome outcome = job.Seed.Length != 0
                ? Searcher.Replay(job.Case, job.Copy, job.Bounds, job.Seed)
                : Searcher.Run(job.Case, job.Copy, job.Bounds);
            Write(outcome);
        }

        return 0;
    }

    private static void Write(Outcome outcome)
    {
        Console.WriteLine(FormattableString.Invariant(
            $"{outcome.Executions}\t{outcome.Steps}\t{outcome.Seconds:F2}\t{outcome.IsComplete}\t{outcome.Failure is not null}\t{outcome.Seed}"));
        Console.WriteLine((outcome.Failure ?? "").ReplaceLineEndings(" "));
        Console.WriteLine(string.Join('\t', outcome.Labels));
        foreach (string line in outcome.Trace)
        {
            Console.WriteLine("> " + line.ReplaceLineEndings(" "));
        }

        Console.WriteLine(EndOfOutcome);
        Console.Out.Flush();
    }

    private static void ReadNotes(string file)
    {
        List<(string, string)> statics = [];
        foreach (string[] parts in File.ReadLines(file).Select(line => line.Split('\t')))
        {
            switch (parts[0])
            {
                case "static":
                    statics.Add((parts[1], parts[2]));
                    break;
                case "label":
                    Sites.AddLabel(parts[1]);
                    break;
                default:
                    Sites.AddPlace(parts[1], int.Parse(parts[2], System.Globalization.CultureInfo.InvariantCulture), parts[3]);
                    break;
            }
        }

        ThreadStatics.Find(typeof(Primitives.Order).Assembly, statics);
    }
}
