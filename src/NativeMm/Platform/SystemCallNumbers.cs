using System.Runtime.InteropServices;

namespace NativeMm.Platform;

/// <summary>
/// Numbers of the Linux calls that are made by number. Calls younger than 5.1 have one number on every architecture; older ones differ.
/// </summary>
internal static class SystemCallNumbers
{
    public const int PidFdOpen = 434;

    public const int ProcessMemoryAdvise = 440;

    /// <summary><c>memfd_create</c>, by architecture.</summary>
    public static int MemoryFileCreate => RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 279 : 319;

    /// <summary><c>gettid</c>, by architecture.</summary>
    public static int ThreadId => RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 178 : 186;

    /// <summary><c>tgkill</c>, by architecture.</summary>
    public static int SignalThread => RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 131 : 234;

    /// <summary>Whether the numbers here hold for the running process.</summary>
    public static bool Known => RuntimeInformation.ProcessArchitecture is Architecture.X64 or Architecture.Arm64;
}
