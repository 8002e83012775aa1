using System.Globalization;

namespace NativeMm.Platform;

/// <content>Taking access away, and the limit of the table of mappings.</content>
internal sealed unsafe partial class LinuxPlatform
{
    /// <inheritdoc/>
    public int MappingsMax =>
        int.TryParse(SystemFiles.Real.ReadText("/proc/sys/vm/max_map_count"), CultureInfo.InvariantCulture, out int max) && max > 0 ? max : 0;

    /// <inheritdoc/>
    public int CountMappings() => ProcessFile.CountLines("/proc/self/maps\0"u8);

    /// <inheritdoc/>
    public int FindBorders(nuint address, nuint bytes, Span<nuint> borders) => ProcessFile.FindBorders(address, bytes, borders);

    /// <inheritdoc/>
    public PlatformResult Revoke(nuint address, nuint bytes)
    {
        const int Flags = LibC.MapPrivate | LibC.MapAnonymous | LibC.MapNoReserve | LibC.MapFixed;
        nint mapped = LibC.Map(address, bytes, LibC.ProtNone, Flags, -1, 0);
        return mapped == LibC.MapFailed ? LibC.LastError() : PlatformResult.Success;
    }

    /// <inheritdoc/>
    public PlatformResult InstallGuard(nuint address, nuint bytes)
    {
        PlatformResult result;
        do
        {
            result = Advise(address, bytes, LibC.AdviseGuardInstall);
        }
        while (result.Errno is ErrorNumber.Interrupted or ErrorNumber.TryAgain);

        return result;
    }
}
