namespace NativeMm.Lab.Experiments.Teardown;

/// <summary>Names of the parts.</summary>
internal static class TeardownPart
{
    /// <summary>Real memory: as many bytes, touched, given back at once by the end of a runtime.</summary>
    public const string Release = "release";

    /// <summary>Real memory: as many bytes, touched and freed, given back by a trim of a runtime that goes on.</summary>
    public const string Trim = "trim";

    /// <summary>Software page tables of a space that is full, over frames that nobody touches.</summary>
    public const string Spaces = "spaces";

    /// <summary>Two areas of one length, both full; what the imbalances are held against.</summary>
    public const string Balanced = "balanced";

    /// <summary>The same number of pages, all in one of two areas, beside an empty one.</summary>
    public const string OneFull = "one-full";

    /// <summary>The same number of pages in a huge area and a thousand small ones.</summary>
    public const string ManySmall = "many-small";

    /// <summary>A space whose frames go back to the node that they are of, each behind a lock.</summary>
    public const string Nodes = "nodes";

    /// <summary>Faults of another space, alone and beside a teardown that nobody waits for.</summary>
    public const string Interference = "interference";

    /// <summary>A space of 48 MiB, below the floor.</summary>
    public const string Small = "small";

    /// <summary>A memory file, touched, of which all pages are taken out at once: by one call after another, by threads on parts of one file, and on a file each.</summary>
    public const string File = "file";

    /// <summary>All of them.</summary>
    public static readonly string[] All = [Release, Trim, File, Spaces, Balanced, OneFull, ManySmall, Nodes, Interference, Small];
}
