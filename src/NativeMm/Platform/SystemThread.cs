namespace NativeMm.Platform;

/// <summary>Threads as the operating system sees them: by number, from before .NET knows of them until after it let go of them.</summary>
internal static class SystemThread
{
    /// <summary>The calling thread's number, unique among the threads that exist; 0 where the system is not asked.</summary>
    public static int CurrentId() =>
        SystemPlatform.IsLinux ? (int)Math.Max(LibC.SystemCall(SystemCallNumbers.ThreadId, 0, 0, 0, 0, 0), 0) : 0;

    /// <summary>Whether no thread of this process has the number. False when that cannot be found out.</summary>
    /// <param name="id">A number from <see cref="CurrentId"/>. It may have been given to another thread since; that one counts.</param>
    public static bool IsGone(int id)
    {
        // Signal 0 is not sent; it only asks.
        return id > 0
            && LibC.SystemCall(SystemCallNumbers.SignalThread, Environment.ProcessId, id, 0, 0, 0) != 0
            && LibC.LastError().Errno == ErrorNumber.NoSuchProcess;
    }
}
