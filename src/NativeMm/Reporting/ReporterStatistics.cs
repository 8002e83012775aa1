namespace NativeMm.Reporting;

/// <summary>What a <see cref="PageReporter"/> did since it was made. Exact while no pass is under way.</summary>
public sealed record ReporterStatistics
{
    /// <summary>What it is about to do.</summary>
    public required ReporterState State { get; init; }

    /// <summary>Passes that looked for blocks.</summary>
    public required long Passes { get; init; }

    /// <summary>Calls of the device.</summary>
    public required long DeviceCalls { get; init; }

    /// <summary>Calls of the device that failed or threw, and passes that an exception broke off, such as when a device freed the blocks.</summary>
    public required long DeviceFailures { get; init; }

    /// <summary>Blocks that the device took note of.</summary>
    public required long ReportedBlocks { get; init; }

    /// <summary>
    /// Bytes of these blocks that the operating system may have held until then: pieces of 64 KiB that were used since they were last reported
    /// with the lock-free allocator, single frames with the buddy. Of a piece below 64 KiB the lock-free allocator knows only whether anything was
    /// freed in the 256 KiB around it since; then all of it counts.
    /// </summary>
    public required ulong ReportedBytes { get; init; }

    /// <summary>Passes that ended early because hardly anything was free beyond the reserve, or because an allocation was about to fail.</summary>
    public required long PressureStops { get; init; }

    /// <summary>The device and the message of the last failure, or null.</summary>
    public required string? LastFailure { get; init; }
}
