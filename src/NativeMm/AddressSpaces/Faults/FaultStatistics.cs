namespace NativeMm.AddressSpaces;

/// <summary>
/// Counts of the faults of an <see cref="AddressSpace"/> since it was made. At rest <see cref="Attempts"/> =
/// <see cref="Successes"/> + <see cref="PteLock"/> + <see cref="VmaChanged"/> + <see cref="NoAnon"/> + <see cref="NotSupported"/> + <see cref="Access"/> +
/// <see cref="PmdChanged"/> + <see cref="NotAttempted"/>.
/// </summary>
public readonly struct FaultStatistics
{
    /// <summary>Faults that were to be resolved without the space's lock.</summary>
    public long Attempts { get; init; }

    /// <summary>Those that were.</summary>
    public long Successes { get; init; }

    /// <summary>Fell back because somebody had the lock of the page's table.</summary>
    public long PteLock { get; init; }

    /// <summary>Fell back because the area changed.</summary>
    public long VmaChanged { get; init; }

    /// <summary>Fell back because there was no table for the page, nor a frame for one without asking others for memory.</summary>
    public long NoAnon { get; init; }

    /// <summary>Fell back because it had to wait: for memory, or for whoever moved the page.</summary>
    public long NotSupported { get; init; }

    /// <summary>Fell back because the area does not allow the access.</summary>
    public long Access { get; init; }

    /// <summary>Fell back because the page's table was taken out or was being collapsed.</summary>
    public long PmdChanged { get; init; }

    /// <summary>Fell back at once: no area, or no permit.</summary>
    public long NotAttempted { get; init; }

    /// <summary>Faults that were resolved under the space's lock.</summary>
    public long Classic { get; init; }

    /// <summary>Faults whose page somebody else had installed in the meantime.</summary>
    public long Duplicates { get; init; }

    /// <summary>Pages that got the zero page.</summary>
    public long ZeroPages { get; init; }

    /// <summary>Pages that got a frame of zeros.</summary>
    public long DemandZero { get; init; }

    /// <summary>Blocks of 2 MiB that were made for 512 pages at once.</summary>
    public long DemandZeroHuge { get; init; }

    /// <summary>Times that 512 single pages were gathered into a block of 2 MiB in the background.</summary>
    public long Collapses { get; init; }

    /// <summary>Shared pages that were copied before a write.</summary>
    public long Copies { get; init; }

    /// <summary>Pages that came back from where they had been kept.</summary>
    public long SwapIns { get; init; }

    /// <summary>Waits for somebody who moved the page.</summary>
    public long Waits { get; init; }

    /// <summary>
    /// Most permits that were seen in use at once, which is most frames that were held by faults in flight. It is looked at when a fault finds its own permit taken or its work
    /// done by another one, and every 64th time; it can never be above <see cref="Permits"/>.
    /// </summary>
    public int PermitsPeak { get; init; }

    /// <summary>How many permits there are.</summary>
    public int Permits { get; init; }
}
