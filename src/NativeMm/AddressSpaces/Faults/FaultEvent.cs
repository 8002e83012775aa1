namespace NativeMm.AddressSpaces;

/// <summary>What faults count beside their outcomes; the numbers go on where those of the outcomes that are counted end.</summary>
internal enum FaultEvent
{
    /// <summary>A fault that was resolved under the space's lock.</summary>
    Classic = FaultOutcome.NotAttempted + 1,

    /// <summary>A fault whose page somebody else had installed in the meantime.</summary>
    Duplicate,

    /// <summary>A page that got the zero page.</summary>
    ZeroPage,

    /// <summary>A page that got a frame of zeros.</summary>
    DemandZero,

    /// <summary>512 pages that got a block of 2 MiB.</summary>
    DemandZeroHuge,

    /// <summary>A shared page that was copied before a write.</summary>
    Copy,

    /// <summary>A page that came back from the swap, or from its value.</summary>
    SwapIn,

    /// <summary>A wait for somebody who moved the page.</summary>
    Wait,

    /// <summary>A fault that was to be resolved without the space's lock. Counted where it begins; its outcome where it ends.</summary>
    Attempt,
}
