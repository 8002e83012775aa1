using System.CommandLine;
using NativeMm.Lab.Recording;
using NativeMm.Lab.Traces;

namespace NativeMm.Lab.Commands;

/// <summary><c>record</c>: makes a trace of a program of one's own.</summary>
internal static class RecordCommand
{
    private const int RecordsDefault = 4_000_000;

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var program = new Argument<string[]>("command")
        {
            Description = "the program and its arguments, after --",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var pid = new Option<string?>("--pid") { Description = "listen to the array pools of a running .NET program instead", HelpName = "N" };
        var output = new Option<string?>("--out") { Description = "the trace file (default: artifacts/traces/NAME.nmtrace.gz)", HelpName = "FILE" };
        var records = new Option<string?>("--records") { Description = $"most records (default {RecordsDefault})", HelpName = "N" };
        var force = new Option<bool>("--force") { Description = "write over a file that is there" };
        var seconds = new Option<string?>("--seconds") { Description = "end after so many seconds; a program that was started is stopped", HelpName = "S" };
        var command = new Command("record", "record what a program asks of malloc, or of .NET's array pools, as a trace")
        {
            program, pid, output, records, seconds, force,
        };
        command.SetAction(parsed =>
        {
            string[] line = parsed.GetValue(program) ?? [];
            string? process = parsed.GetValue(pid);
            if ((process is null) == (line.Length == 0))
            {
                throw new LabUsageException("record needs either a command after -- or --pid N.");
            }

            int? number = process is null ? null : LabOptions.ParseWhole(process, "--pid", 1, int.MaxValue);
            string name = number is { } id ? $"process-{id}" : Path.GetFileName(line[0]);
            uint most = (uint)(LabOptions.ParseWhole(parsed.GetValue(records), "--records", 1, (int)TraceLimits.RecordsMax) ?? RecordsDefault);
            TimeSpan? patience = LabOptions.ParseSeconds(parsed.GetValue(seconds)) is { } s ? TimeSpan.FromSeconds(s) : null;
            string file = parsed.GetValue(output) ?? RecordTarget.DefaultOut(name);
            if (!file.EndsWith(".gz", StringComparison.Ordinal))
            {
                throw new LabUsageException($"Bad value '{file}' for --out: the trace is compressed, so its name must end in .gz.");
            }

            if (File.Exists(file) && !parsed.GetValue(force))
            {
                throw new LabUsageException($"{file} is there already; --force writes over it, --out names another.");
            }

            var target = new RecordTarget(file, most, patience);
            bool written = number is { } listened
                ? ArrayPoolRecorder.Record(listened, target, Console.Error.WriteLine)
                : ProgramRecorder.Record(line, target, Console.Error.WriteLine);
            return written ? ExitCode.Success : ExitCode.Failure;
        });
        return command;
    }
}
