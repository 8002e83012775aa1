using System.Diagnostics;
using System.Globalization;

namespace NativeMm.Explorer.Running;

/// <summary>A worker, seen from outside.</summary>
internal sealed class WorkerProcess(string program) : IDisposable
{
    /// <summary>The argument that makes this program a worker.</summary>
    public const string Argument = "--worker";

    private Process? _process;

    /// <summary>Has a job done. A process that dies is a finding, and is replaced.</summary>
    public Outcome Do(Job job)
    {
        _process ??= Start();
        _process.StandardInput.WriteLine(job);
        _process.StandardInput.Flush();
        List<string> lines = [];
        while (_process.StandardOutput.ReadLine() is { } line)
        {
            if (line == Worker.EndOfOutcome)
            {
                return Read(lines);
            }

            lines.Add(line);
        }

        _process.WaitForExit();
        string failure = $"the process died with code {_process.ExitCode}";
        _process.Dispose();
        _process = null;
        return new Outcome(0, 0, 0, false, failure, "", lines, []);
    }

    /// <summary>Has the writes of the fast paths counted.</summary>
    public IReadOnlyList<string> CountFastPaths()
    {
        _process ??= Start();
        _process.StandardInput.WriteLine(Worker.CountFastPaths);
        _process.StandardInput.Flush();
        List<string> rows = [];
        while (_process.StandardOutput.ReadLine() is { } line)
        {
            if (line == Worker.EndOfOutcome)
            {
                return rows;
            }

            rows.Add(line);
        }

        return [.. rows, "!| the process died | | |"];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_process is not null)
        {
            _process.StandardInput.Close();
            _process.WaitForExit();
            _process.Dispose();
            _process = null;
        }
    }

    private static Outcome Read(List<string> lines)
    {
        string[] parts = lines[0].Split('\t');
        return new Outcome(
            long.Parse(parts[0], CultureInfo.InvariantCulture),
            long.Parse(parts[1], CultureInfo.InvariantCulture),
            double.Parse(parts[2], CultureInfo.InvariantCulture),
            bool.Parse(parts[3]),
            bool.Parse(parts[4]) ? lines[1] : null,
            parts[5],
            [.. lines.Skip(3).Select(line => line[2..])],
            lines[2].Split('\t', StringSplitOptions.RemoveEmptyEntries));
    }

    private Process Start()
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, ["exec", program, Argument])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        return Process.Start(start)!;
    }
}
