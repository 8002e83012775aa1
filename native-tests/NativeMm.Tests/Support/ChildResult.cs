namespace NativeMm.Tests.Support;

/// <summary>How a child process ended.</summary>
/// <param name="ExitCode">Its exit code; 128 + n when signal n killed it.</param>
/// <param name="Output">What it wrote to standard output.</param>
/// <param name="Error">What it wrote to standard error.</param>
public sealed record ChildResult(int ExitCode, string Output, string Error)
{
    private const int Aborted = 128 + 6;
    private const int Segmentation = 128 + 11;

    /// <summary>Whether a forbidden access ended it: the runtime turns the signal into an abort when managed code made the access.</summary>
    public bool DiedOfMemoryAccess => ExitCode == Segmentation || (ExitCode == Aborted && Error.Contains("AccessViolation", StringComparison.Ordinal));
}
