using System.Globalization;
using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <summary>Where the frames of a zone are. All counts are frames of 4 KiB unless the name says blocks.</summary>
public sealed record FrameStatistics
{
    /// <summary>All frames of the zone.</summary>
    public required ulong ManagedFrames { get; init; }

    /// <summary>Frames in the common pool, free for anybody.</summary>
    public required ulong FreeFrames { get; init; }

    /// <summary>Free frames that sit in per-core lists.</summary>
    public required ulong PerCoreFrames { get; init; }

    /// <summary>Frames handed out.</summary>
    public required ulong AllocatedFrames { get; init; }

    /// <summary>Frames taken out by a reporter at this moment.</summary>
    public required ulong IsolatedFrames { get; init; }

    /// <summary>Free frames that the operating system is known to have, so that they cost no memory.</summary>
    public required ulong ReportedFrames { get; init; }

    /// <summary>Free blocks by order, each frame counted once in the largest free block that it belongs to: a row of <c>buddyinfo</c>.</summary>
    public required IReadOnlyList<ulong> FreeBlocks { get; init; }

    /// <summary>
    /// Why an allocation of that order would fail: towards 0 for lack of memory, towards 1 for fragmentation; −1 when it would succeed.
    /// Linux's <c>extfrag_index</c>: <c>1 − (1 + free frames / frames asked for) / free blocks</c>.
    /// </summary>
    /// <param name="order">The order in question.</param>
    /// <returns>−1, or less than 1; with few free blocks it may be a little below 0.</returns>
    public double FragmentationIndex(Order order)
    {
        (ulong blocks, ulong frames, ulong suitable) = Count(order);
        return suitable > 0 ? -1 : blocks == 0 ? 0 : 1 - ((1 + ((double)frames / order.Frames)) / blocks);
    }

    /// <summary>
    /// The share of the free memory that an allocation of that order could not use: 0 when all of it is in blocks large enough, 1 when none
    /// is. Linux's <c>unusable_index</c>.
    /// </summary>
    /// <param name="order">The order in question.</param>
    /// <returns>0 to 1; 1 when no frame is free.</returns>
    public double UnusableIndex(Order order)
    {
        (_, ulong frames, ulong suitable) = Count(order);
        return frames == 0 ? 1 : (double)(frames - suitable) / frames;
    }

    /// <summary>The zone in two lines: its frames, and its free blocks by order.</summary>
    /// <returns>Two lines, with a fixed format that no culture changes.</returns>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"""
        {ManagedFrames:N0} frames: {AllocatedFrames:N0} handed out, {FreeFrames:N0} free for anybody, {PerCoreFrames:N0} free in lists of cores, {IsolatedFrames:N0} with a reporter; the system has {ReportedFrames:N0}
        free blocks by order: {string.Join(' ', FreeBlocks)}
        """);

    /// <summary>Free blocks, their frames, and the frames of those that are large enough.</summary>
    private (ulong Blocks, ulong Frames, ulong Suitable) Count(Order order)
    {
        ulong blocks = 0;
        ulong frames = 0;
        ulong suitable = 0;
        for (int o = 0; o < FreeBlocks.Count; o++)
        {
            ulong size = FreeBlocks[o] << o;
            blocks += FreeBlocks[o];
            frames += size;
            suitable += o >= order.Value ? size : 0;
        }

        return (blocks, frames, suitable);
    }
}
