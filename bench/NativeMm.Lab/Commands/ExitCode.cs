namespace NativeMm.Lab.Commands;

/// <summary>What the lab tells its caller.</summary>
internal static class ExitCode
{
    /// <summary>Everything was measured; every bar is met.</summary>
    public const int Success = 0;

    /// <summary>A measurement failed or was interrupted, its file could not be written, or a bar was missed or could not be held against anything.</summary>
    public const int Failure = 1;

    /// <summary>The user asked for something that does not exist, or gave a broken file. Nothing was measured.</summary>
    public const int Usage = 2;
}
