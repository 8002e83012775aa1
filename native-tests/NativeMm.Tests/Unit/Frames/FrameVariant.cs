using NativeMm.Frames;
using Xunit;

namespace NativeMm.Tests.Unit.Frames;

/// <summary>The implementations of the contract that all shared tests run over.</summary>
public enum FrameVariant
{
    LockFree,
    LockFreeOneCore,
}

/// <content>How each is made.</content>
internal static class FrameVariants
{
    public static TheoryData<FrameVariant> All => [.. Enum.GetValues<FrameVariant>()];

    public static IFrameAllocator Create(FrameVariant variant, FrameZone zone) => variant switch
    {
        FrameVariant.LockFree => new LockFreeFrameAllocator(zone),
        FrameVariant.LockFreeOneCore => new LockFreeFrameAllocator(zone, coreSlots: 1),
        _ => throw new ArgumentOutOfRangeException(nameof(variant)),
    };
}
