namespace NativeMm.Explorer.Machine;

/// <summary>Whether a strand can go on.</summary>
internal enum StrandState
{
    /// <summary>It can.</summary>
    Ready,

    /// <summary>It waits in a loop until a word that it read has another value.</summary>
    Waiting,

    /// <summary>It has ended.</summary>
    Done,
}
