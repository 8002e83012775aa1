using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using NativeMm.Lab.Harness;
using NativeMm.Lab.Traces;
using NativeMm.Primitives;

namespace NativeMm.Lab.Recording;

/// <summary>Runs a program with the recording library preloaded and makes a trace of what it asked of malloc.</summary>
internal static class ProgramRecorder
{
    /// <summary>Events of one record: a reallocation has two.</summary>
    private const int EventsPerRecordMax = 2;

    private const string FileVariable = "NATIVEMM_RECORD";
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(200);

    /// <summary>Records a program from its start to its end.</summary>
    /// <param name="command">The program and its arguments.</param>
    /// <param name="target">Where the trace goes and when recording ends.</param>
    /// <param name="say">Takes the lines that say how it went.</param>
    /// <returns>Whether a trace was written.</returns>
    /// <exception cref="LabUsageException">The program cannot be run, or nothing can be recorded here.</exception>
    public static bool Record(IReadOnlyList<string> command, RecordTarget target, Action<string> say)
    {
        if (NativeTool.Missing is { } why)
        {
            throw new LabUsageException($"Programs cannot be recorded here: {why}.");
        }

        using var library = new PreloadedLibrary(BuildLibrary());
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(target.Out))!);
        using var file = new RecordingFile($"{Path.GetFullPath(target.Out)}.events", (long)target.RecordsMax * EventsPerRecordMax);
        using (Process program = Start(command, library.Path, file.Path))
        {
            WaitFor(program, file, target.Patience);
            say(string.Create(CultureInfo.InvariantCulture, $"{Path.GetFileName(command[0])} ended with code {program.ExitCode}."));
        }

        return Convert(file, target, say);
    }

    /// <summary>Makes the trace of a recording.</summary>
    internal static bool Convert(RecordingFile file, RecordTarget target, Action<string> say)
    {
        using var writer = new TraceWriter(Path.GetFullPath(target.Out));
        var builder = new TraceBuilder(writer);
        foreach (RecordedEvent happened in file.Events().TakeWhile(_ => writer.Count < target.RecordsMax))
        {
            builder.Add(in happened);
        }

        if (!builder.Complete())
        {
            say(file.HasOwner
                ? "Nothing was recorded: the program asked nothing of malloc."
                : "Nothing was recorded: the program did not load the recording library; it may be linked statically or run with other rights.");
            return false;
        }

        if (writer.Count == target.RecordsMax || file.IsFull)
        {
            say(string.Create(CultureInfo.InvariantCulture, $"The trace is full: the program went on, unrecorded, after {writer.Count:n0} records (--records)."));
        }

        if (file.Strangers > 0)
        {
            say(file.Strangers == 1
                ? "1 program that it started was not recorded; record it by itself."
                : string.Create(CultureInfo.InvariantCulture, $"{file.Strangers} programs that it started were not recorded; record them by themselves."));
        }

        say(target.Describe(builder, writer.Count));
        return true;
    }

    private static string BuildLibrary()
    {
        try
        {
            return NativeTool.Build("record.c", "librecord.so", "-shared", "-fPIC");
        }
        catch (InvalidOperationException exception)
        {
            throw new LabUsageException($"Programs cannot be recorded here: {exception.Message}");
        }
    }

    private static Process Start(IReadOnlyList<string> command, string library, string file)
    {
        var start = new ProcessStartInfo(command[0]) { UseShellExecute = false };
        foreach (string argument in command.Skip(1))
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment["LD_PRELOAD"] = library;
        start.Environment[FileVariable] = file;
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception exception)
        {
            throw new LabUsageException($"Cannot run {command[0]}: {exception.Message}");
        }
    }

    // An interrupt from the terminal reaches the program as well, a request to end (SIGTERM) ends it; the lab outlives both, so that what was recorded is not lost.
    private static void WaitFor(Process program, RecordingFile file, TimeSpan? patience)
    {
        ConsoleCancelEventHandler stay = (_, pressed) => pressed.Cancel = true;
        int asked = 0;
        Console.CancelKeyPress += stay;
        using PosixSignalRegistration end = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal =>
        {
            signal.Cancel = true;
            Atomic.StoreRelease(ref asked, 1);
        });
        try
        {
            long begun = Stopwatch.GetTimestamp();
            while (!program.WaitForExit(s_look))
            {
                RecordProgress.Show(file.Count);
                if (Stopwatch.GetElapsedTime(begun) > patience || Atomic.LoadAcquire(in asked) != 0)
                {
                    program.Kill(entireProcessTree: true);
                    program.WaitForExit();
                }
            }

            RecordProgress.End();
        }
        finally
        {
            Console.CancelKeyPress -= stay;
        }
    }
}
