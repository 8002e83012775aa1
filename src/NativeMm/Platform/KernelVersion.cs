namespace NativeMm.Platform;

/// <summary>The release of a Linux kernel, as far as behaviour depends on it.</summary>
/// <param name="Major">The first number.</param>
/// <param name="Minor">The second number.</param>
internal readonly record struct KernelVersion(int Major, int Minor)
{
    /// <summary>From here on the pages of one area are given back under the area's own lock, and not under that of the whole process's map.</summary>
    public static readonly KernelVersion AreaLocks = new(6, 17);

    /// <summary>The kernel that the process runs on (<c>uname -r</c>).</summary>
    public static KernelVersion Current { get; } = new(Environment.OSVersion.Version.Major, Environment.OSVersion.Version.Minor);

    /// <summary>Whether this kernel is as new as another one.</summary>
    public bool IsAtLeast(KernelVersion other) => Major > other.Major || (Major == other.Major && Minor >= other.Minor);
}
