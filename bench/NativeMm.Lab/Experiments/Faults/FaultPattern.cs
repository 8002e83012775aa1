namespace NativeMm.Lab.Experiments.Faults;

/// <summary>What the threads do.</summary>
internal static class FaultPattern
{
    /// <summary>ebizzy -mTRp: map a random number of pages, touch each, unmap; areas side by side do not merge (but the kernel's own do).</summary>
    public const string Ebizzy = "ebizzy";

    /// <summary>will-it-scale's page_fault1: map, touch each page, unmap.</summary>
    public const string PageFault1 = "page_fault1";

    /// <summary>pft: areas of the threads' own, mapped before; the touches alone are timed.</summary>
    public const string Pft = "pft";

    /// <summary>The same with pages of 2 MiB.</summary>
    public const string PftHuge = "pft-huge";

    /// <summary>will-it-scale's page_fault2: pft over pages that are there and shared with a fork, so that each is copied.</summary>
    public const string PageFault2 = "page_fault2";

    /// <summary>pft while one more thread makes single pages elsewhere and gathers them into 2 MiB, as fast as it can.</summary>
    public const string Collapse = "collapse";

    /// <summary>pft while one more thread maps, protects and unmaps elsewhere.</summary>
    public const string Layout = "layout";

    /// <summary>pft in which all threads touch the same pages.</summary>
    public const string SamePage = "samepage";

    /// <summary>No faults: the ways to read a page that is there.</summary>
    public const string Access = "access";

    /// <summary>All of them.</summary>
    public static readonly string[] All = [Ebizzy, PageFault1, PageFault2, Pft, PftHuge, Layout, Collapse, SamePage, Access];
}
