namespace NativeMm.Platform;

/// <summary>Picks the platform that the process runs on.</summary>
internal static class SystemPlatform
{
    /// <summary>One for the whole process: Linux on x64 and arm64, else the portable one.</summary>
    public static IMemoryPlatform Current { get; } = IsLinux ? new LinuxPlatform(KernelVersion.Current) : new PortablePlatform();

    /// <summary>Whether the Linux calls can be made from this process.</summary>
    public static bool IsLinux => OperatingSystem.IsLinux() && SystemCallNumbers.Known;
}
