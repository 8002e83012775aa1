namespace NativeMm.Platform;

/// <summary>Opens files for pages.</summary>
internal static class BackingFile
{
    /// <summary>
    /// Makes a new file. Where the system can, it loses its name at once, so that nothing is left behind however the process ends, and is read and
    /// written past the page cache.
    /// </summary>
    /// <param name="path">A name that nothing has, on the device that is to be used.</param>
    /// <param name="file">The file, or null on failure.</param>
    public static PlatformResult Create(string path, out IBackingFile? file) =>
        SystemPlatform.IsLinux ? LinuxBackingFile.Create(path, out file) : PortableBackingFile.Create(path, out file);
}
