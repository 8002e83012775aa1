using System.Diagnostics;

namespace NativeMm.Lab.Harness;

/// <summary>What a process said until it ended.</summary>
/// <param name="ExitCode">Its exit code; −1 when it had to be stopped.</param>
/// <param name="Out">Its standard output.</param>
/// <param name="Error">Its standard error.</param>
/// <param name="TimedOut">Whether it had to be stopped.</param>
internal sealed record ProcessOutput(int ExitCode, string Out, string Error, bool TimedOut)
{
    /// <summary>Runs a process to its end.</summary>
    /// <param name="start">What to run; redirections are set here.</param>
    /// <param name="patience">After this time the process and its children are stopped.</param>
    public static ProcessOutput Of(ProcessStartInfo start, TimeSpan patience)
    {
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        start.UseShellExecute = false;
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        bool ended = process.WaitForExit(patience);
        if (!ended)
        {
            process.Kill(entireProcessTree: true);
            process.WaitForExit();
        }

        return new ProcessOutput(ended ? process.ExitCode : -1, output.Result, error.Result, !ended);
    }
}
