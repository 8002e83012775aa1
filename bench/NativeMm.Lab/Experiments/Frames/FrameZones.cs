using NativeMm.Frames;
using NativeMm.Platform;

namespace NativeMm.Lab.Experiments.Frames;

/// <summary>Makes the zones that frames are measured in. Their frames are never touched, so a zone costs little memory.</summary>
internal static class FrameZones
{
    private const ulong Bytes = 1UL << 30;
    private const ulong BytesQuick = 256UL << 20;

    /// <summary>Makes a zone.</summary>
    public static FrameZone Create(bool quick)
    {
        PlatformResult result = FrameZone.TryCreate(SystemPlatform.Current, ZoneKind.Normal, quick ? BytesQuick : Bytes, out FrameZone? zone);
        return zone ?? throw new InsufficientMemoryException($"The system refuses the zone: {result}.");
    }
}
