using NativeMm.Platform;

namespace NativeMm.Lab.Harness;

/// <summary>The memory of the measuring process, in bytes. None of these allocates.</summary>
internal static class ResidentMemory
{
    /// <summary>Whether this system tells.</summary>
    public static bool IsKnown => ProcessMemory.ReadUsage(out ProcessMemoryUsage usage).Succeeded && usage.ResidentPeak > 0;

    /// <summary>Bytes in memory now.</summary>
    public static ulong Now => ProcessMemory.ReadResident(out ulong bytes).Succeeded ? bytes : 0;

    /// <summary>Lets the peak begin anew and gives what is in memory now, by the same counters as the peak.</summary>
    public static ulong BeginPeak()
    {
        // Where the reset is refused, what the process used before counts as well: the figure can only come out too large, for everybody.
        _ = ProcessMemory.ResetPeak();
        _ = ProcessMemory.ReadUsage(out ProcessMemoryUsage usage);
        return usage.Resident;
    }

    /// <summary>The most that was in memory since <see cref="BeginPeak"/>.</summary>
    public static ulong Peak => ProcessMemory.ReadUsage(out ProcessMemoryUsage usage).Succeeded ? usage.ResidentPeak : 0;
}
