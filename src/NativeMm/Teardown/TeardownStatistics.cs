namespace NativeMm.Teardown;

/// <summary>What giving back much memory at once did since the start. Approximate while it works, exact at rest.</summary>
public readonly record struct TeardownStatistics
{
    /// <summary>Releases that were large enough for workers, and have ended.</summary>
    public long Jobs { get; init; }

    /// <summary>Frames that they let go of.</summary>
    public long Frames { get; init; }

    /// <summary>Bytes that they gave back.</summary>
    public long Bytes { get; init; }

    /// <summary>Bounded steps that they were made in.</summary>
    public long Steps { get; init; }

    /// <summary>Processor time of all threads that took part, the callers' included.</summary>
    public TimeSpan CpuTime { get; init; }

    /// <summary>Most threads that ever worked on one release at a time.</summary>
    public int WidthReached { get; init; }

    /// <summary>Threads that there are at this moment.</summary>
    public int Threads { get; init; }

    /// <summary>
    /// Releases above <see cref="TeardownOptions.InlineFloorBytes"/> by their range, of which less than that was populated. Smaller ranges are not counted.
    /// </summary>
    public long InlineBelowFloor { get; init; }

    /// <summary>Releases, or parts of one, that the caller did because no worker took them.</summary>
    public long InlineWithoutWorker { get; init; }

    /// <summary>Releases, or parts of one, that the caller did because there was no memory to hand them over.</summary>
    public long InlineWithoutMemory { get; init; }

    /// <summary>How often a caller waited for what workers had not finished.</summary>
    public long Waits { get; init; }

    /// <summary>
    /// Bytes that are decided and not yet given back: nobody can use them any more, and they are not free yet. A page table of 2 MiB counts as full until a step
    /// has looked at it.
    /// </summary>
    public long ReleasingBytes { get; init; }
}
