using System.Globalization;
using System.Text;
using NativeMm.AddressSpaces;
using NativeMm.Frames;
using NativeMm.Heap;
using NativeMm.Reporting;
using NativeMm.Teardown;
using NativeMm.Vmap;

namespace NativeMm.Runtime;

/// <summary>Where every byte of a runtime is. Bytes throughout.</summary>
public sealed record RuntimeStatistics
{
    /// <summary>Address space: the zone, which is the most that slabs can take, large and guarded blocks, and the mappable zone once it is used.</summary>
    public required ulong ReservedBytes { get; init; }

    /// <summary>Bytes that the operating system may hold memory for: frames in use or freed but not given back yet, and large and guarded blocks.</summary>
    public required ulong CommittedBytes { get; init; }

    /// <summary>
    /// Bytes that were ever made accessible, in steps of up to 64 MiB: what is committed now, what the operating system has back, and the rest of the
    /// last step.
    /// </summary>
    public required ulong OpenedBytes { get; init; }

    /// <summary>
    /// Bytes in the hands of the program: in block sizes, over all heaps and pools, in ranges, <see cref="SpaceBytes"/> and <see cref="CacheBytes"/>.
    /// </summary>
    public required ulong InUseBytes { get; init; }

    /// <summary>Committed bytes that nobody uses: caches, free blocks in slabs, free frames, retained large blocks.</summary>
    public ulong RetainedBytes => CommittedBytes > InUseBytes + ReleasingBytes ? CommittedBytes - InUseBytes - ReleasingBytes : 0;

    /// <summary>
    /// Committed bytes of what has ended and is given back in steps: nobody can use them any more, and they are not free yet.
    /// </summary>
    public ulong ReleasingBytes { get; init; }

    /// <summary>Bytes given back to the operating system since the start.</summary>
    public required ulong ReturnedBytes { get; init; }

    /// <summary>Bytes of the blocks in the hands of the program, over all heaps; a part of <see cref="InUseBytes"/>.</summary>
    public ulong HeapBytes => InUseBytes - PoolBytes - VmapBytes - SpaceBytes - CacheBytes;

    /// <summary>Bytes of the slots of live objects, over all pools; a part of <see cref="InUseBytes"/>.</summary>
    public required ulong PoolBytes { get; init; }

    /// <summary>Bytes of the ranges in the hands of the program; a part of <see cref="InUseBytes"/>.</summary>
    public required ulong VmapBytes { get; init; }

    /// <summary>
    /// Bytes in frames of address spaces, pages and tables, each once however many share it; a part of <see cref="InUseBytes"/>. It is what no heap and no pool has of
    /// the frames: where there is a space, frames that the program took from the allocator itself are among it.
    /// </summary>
    public required ulong SpaceBytes { get; init; }

    /// <summary>
    /// Bytes in frames of caches; a part of <see cref="InUseBytes"/>. Their indexes, and values above 2 MiB, are blocks of the heap and counted there.
    /// </summary>
    public ulong CacheBytes { get; init; }

    /// <summary>Frames that compaction freed, over the pools that are alive.</summary>
    public required long FramesCompacted { get; init; }

    /// <summary>Waits for a lock of a heap, of vmap or of a pool; those of vmap and pools only where their option LockStatistics is set.</summary>
    public required LockContentions Contentions { get; init; }

    /// <summary>Trim passes made since the start, in the background or on request.</summary>
    public required long TrimPasses { get; init; }

    /// <summary>Trim passes of the background thread that ended with an exception. The thread goes on with the next one.</summary>
    public required long TrimFailures { get; init; }

    /// <summary>What the last of them said, or null.</summary>
    public required string? LastTrimFailure { get; init; }

    /// <summary>What giving back much memory at once did.</summary>
    public TeardownStatistics Teardown { get; init; }

    /// <summary>What the reporter did.</summary>
    public required ReporterStatistics Reporting { get; init; }

    /// <summary>The zone's frames.</summary>
    public required FrameStatistics Zone { get; init; }

    /// <summary>The heaps.</summary>
    public required IReadOnlyList<HeapStatistics> Heaps { get; init; }

    /// <summary>The address spaces. Each is counted page by page; a page that a fork shares counts for each of them.</summary>
    public IReadOnlyList<AddressSpaceStatistics> Spaces { get; init; } = [];

    /// <summary>The ranges over frames that can be mapped more than once, or null if nobody used them.</summary>
    public VmapStatistics? Vmap { get; init; }

    /// <summary>Where every byte is, in some ten lines and a row for each class of each heap.</summary>
    /// <returns>Several lines, with a fixed format that no culture changes.</returns>
    public override string ToString()
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"{CommittedBytes,17:N0} bytes committed; {ReservedBytes:N0} reserved, {OpenedBytes:N0} ever opened, {ReturnedBytes:N0} given back since the start");
        text.AppendLine(CultureInfo.InvariantCulture, $"{InUseBytes,17:N0} in use: heaps {HeapBytes:N0}, pools {PoolBytes:N0}, ranges {VmapBytes:N0}, spaces {SpaceBytes:N0}, caches {CacheBytes:N0}");
        text.AppendLine(CultureInfo.InvariantCulture, $"{RetainedBytes,17:N0} retained");
        text.AppendLine(CultureInfo.InvariantCulture, $"{ReleasingBytes,17:N0} of what has ended and is being given back");
        text.AppendLine(CultureInfo.InvariantCulture, $"{TrimPasses:N0} trim passes, {TrimFailures:N0} failed; {FramesCompacted:N0} frames freed by compaction; {Contentions}");
        if (LastTrimFailure is not null)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"The last failure of a trim pass: {LastTrimFailure}");
        }

        text.AppendLine(CultureInfo.InvariantCulture, $"Zone: {Zone}");
        text.AppendLine(CultureInfo.InvariantCulture, $"{Reporting}");
        text.Append(CultureInfo.InvariantCulture, $"{Teardown}");
        object?[] parts = [Vmap, .. Spaces, .. Heaps];
        foreach (object? part in parts)
        {
            text.Append(part is null ? "" : $"{Environment.NewLine}{part}");
        }

        return text.ToString();
    }

    /// <summary>What is known of a runtime that ends in the background: what is not given back yet.</summary>
    /// <param name="bytes">So many bytes.</param>
    internal static RuntimeStatistics OfReleasing(ulong bytes) => new()
    {
        ReservedBytes = bytes,
        CommittedBytes = bytes,
        OpenedBytes = bytes,
        ReleasingBytes = bytes,
        InUseBytes = 0,
        ReturnedBytes = 0,
        PoolBytes = 0,
        VmapBytes = 0,
        SpaceBytes = 0,
        FramesCompacted = 0,
        Contentions = default,
        TrimPasses = 0,
        TrimFailures = 0,
        LastTrimFailure = null,
        Reporting = new ReporterStatistics
        {
            State = default,
            Passes = 0,
            DeviceCalls = 0,
            DeviceFailures = 0,
            ReportedBlocks = 0,
            ReportedBytes = 0,
            PressureStops = 0,
            LastFailure = null,
        },
        Zone = new FrameStatistics { ManagedFrames = 0, FreeFrames = 0, PerCoreFrames = 0, AllocatedFrames = 0, IsolatedFrames = 0, ReportedFrames = 0, FreeBlocks = [] },
        Heaps = [],
    };
}
