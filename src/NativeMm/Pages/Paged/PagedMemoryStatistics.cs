namespace NativeMm.Buffers;

/// <summary>What a <see cref="PagedMemory"/> holds at a moment, and what it has done since it was made. Exact at rest.</summary>
public readonly record struct PagedMemoryStatistics
{
    /// <summary>Bytes of the memory.</summary>
    public long Length { get; init; }

    /// <summary>Time since the memory was made.</summary>
    public TimeSpan Elapsed { get; init; }

    /// <summary>Bytes of pages in memory as they are.</summary>
    public long ResidentBytes { get; init; }

    /// <summary>Bytes of the pages that are compressed, as the program sees them.</summary>
    public long CompressedPageBytes { get; init; }

    /// <summary>Bytes of frames that hold the compressed pages.</summary>
    public long CompressedBytes { get; init; }

    /// <summary>Bytes of the pages on file.</summary>
    public long FilePageBytes { get; init; }

    /// <summary>Length of the file, in bytes.</summary>
    public long FileBytes { get; init; }

    /// <summary>Faults: accesses that found their page not in memory, or not touched since it was looked at last.</summary>
    public long Faults { get; init; }

    /// <summary>Pages that came back from where they had been kept, those included that were fetched ahead.</summary>
    public long PagesIn { get; init; }

    /// <summary>Pages that left memory.</summary>
    public long PagesOut { get; init; }

    /// <summary>Pages that were fetched ahead.</summary>
    public long Prefetched { get; init; }

    /// <summary>Accesses; 0 unless <see cref="PagedMemoryOptions.CountAccesses"/>.</summary>
    public long Accesses { get; init; }

    /// <summary>Time in which at least one page was being brought back, for whoever waited for it or ahead of him.</summary>
    public TimeSpan Stalled { get; init; }

    /// <summary>Loads that found a page corrupted, or got none from the device.</summary>
    public long FailedLoads { get; init; }

    /// <summary>The system's error number of the last write to the file that failed; 0 when the last one succeeded.</summary>
    public int LastWriteErrno { get; init; }

    /// <summary>How many bytes of pages one byte of a frame holds in compressed form; 0 without compressed pages.</summary>
    public double Ratio => CompressedBytes == 0 ? 0 : (double)CompressedPageBytes / CompressedBytes;

    /// <summary>Faults in a second.</summary>
    public double FaultsPerSecond => Elapsed <= TimeSpan.Zero ? 0 : Faults / Elapsed.TotalSeconds;

    /// <summary>Share of the accesses that found their page in memory, 0 to 1; NaN when they are not counted.</summary>
    public double HitRatio => Accesses == 0 ? double.NaN : Math.Clamp(1 - ((double)(PagesIn - Prefetched) / Accesses), 0, 1);

    /// <summary>Share of the time in which at least one page was being brought back, 0 to 1: what Linux calls <em>some</em> pressure.</summary>
    public double StallShare => Elapsed <= TimeSpan.Zero ? 0 : Math.Clamp(Stalled / Elapsed, 0, 1);

    /// <summary>What happened since an earlier moment: counts and times are differences, the rest is as it is here.</summary>
    /// <param name="earlier">Statistics of the same memory.</param>
    /// <returns>The difference; meaningful for an earlier moment of the same memory.</returns>
    public PagedMemoryStatistics Since(in PagedMemoryStatistics earlier) => this with
    {
        Elapsed = Elapsed - earlier.Elapsed,
        Faults = Faults - earlier.Faults,
        PagesIn = PagesIn - earlier.PagesIn,
        PagesOut = PagesOut - earlier.PagesOut,
        Prefetched = Prefetched - earlier.Prefetched,
        Accesses = Accesses - earlier.Accesses,
        Stalled = Stalled - earlier.Stalled,
        FailedLoads = FailedLoads - earlier.FailedLoads,
    };
}
