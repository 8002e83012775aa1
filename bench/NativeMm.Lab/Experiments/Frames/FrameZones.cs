using NativeMm.Frames;
using NativeMm.Platform;

namespace NativeMm.Lab.Experiments.Frames;

/// <summary>Makes the zones that frames are measured in. Their frames are never touched, so a zone costs little memory.</summary>
internal static class FrameZones
{
    private const ulong Bytes = 1UL << 30;
    private const ulong BytesQuick = 256UL << 20;

    /// <summary>Makes a zone of the usual size.</summary>
    public static FrameZone Create(bool quick) => Create(quick ? BytesQuick : Bytes);

    /// <summary>Makes a zone of any size.</summary>
    public static FrameZone Create(ulong bytes)
    {
        PlatformResult result = FrameZone.TryCreate(SystemPlatform.Current, ZoneKind.Normal, bytes, out FrameZone? zone);
        return zone ?? throw new InsufficientMemoryException($"The system refuses a zone of {bytes >> 20} MiB of addresses: {result}.");
    }
}
