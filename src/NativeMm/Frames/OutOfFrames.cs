using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <summary>
/// What to say when memory runs out: how much was asked, how much is free at which order, and what the limit is. Below the public surface
/// running out is a result; whoever stands at the surface throws what this makes.
/// </summary>
internal static class OutOfFrames
{
    /// <summary>The exception for a request that the frames of an allocator cannot serve.</summary>
    /// <param name="frames">Who refused.</param>
    /// <param name="bytes">How much was asked for, in bytes.</param>
    [SuppressMessage("Usage", "CA2201:Do not raise reserved exception types", Justification = "It is what .NET's own allocators throw.")]
    public static OutOfMemoryException For(IFrameAllocator frames, nuint bytes) => new(Describe(frames, bytes));

    /// <summary>The exception for an allocator that cannot get memory for its own bookkeeping.</summary>
    [SuppressMessage("Usage", "CA2201:Do not raise reserved exception types", Justification = "It is what .NET's own allocators throw.")]
    public static OutOfMemoryException ForBookkeeping(FrameZone zone, nuint bytes, PlatformResult result) =>
        new(string.Create(
            CultureInfo.InvariantCulture, $"The system refuses {bytes} bytes for the bookkeeping of {zone.FrameCount} page frames: {result}.{ResourceLimits.ExplainAddresses()}"));

    /// <summary>The text of the exception.</summary>
    public static string Describe(IFrameAllocator frames, nuint bytes)
    {
        FrameStatistics now = frames.GetStatistics();
        var text = new StringBuilder();
        text.Append(
            CultureInfo.InvariantCulture,
            $"Out of memory: {bytes} bytes were asked for; the {frames.Zone.Kind} zone is limited to {Bytes(now.ManagedFrames)} bytes, ");
        text.Append(
            CultureInfo.InvariantCulture,
            $"of which {Bytes(now.AllocatedFrames)} are allocated, {Bytes(now.FreeFrames + now.PerCoreFrames)} free");
        text.Append(CultureInfo.InvariantCulture, $" and {Bytes(now.IsolatedFrames)} isolated. Free blocks by size:");
        bool any = false;
        for (int order = 0; order < now.FreeBlocks.Count; order++)
        {
            if (now.FreeBlocks[order] != 0)
            {
                text.Append(CultureInfo.InvariantCulture, $" {now.FreeBlocks[order]} × {new Order(order).Bytes >> 10} KiB,");
                any = true;
            }
        }

        text.Length -= any ? 1 : 0;
        text.Append(any ? "." : " none.");
        FrameZone zone = frames.Zone;
        if (!zone.Refusal.Succeeded && zone.OpenedFrames < zone.FrameCount)
        {
            text.Append(
                CultureInfo.InvariantCulture, $" The operating system gave {Bytes(zone.OpenedFrames)} bytes of the zone and refused more: {zone.Refusal}.");
        }

        return text.ToString();
    }

    private static ulong Bytes(ulong frames) => frames << Pfn.FrameShift;
}
