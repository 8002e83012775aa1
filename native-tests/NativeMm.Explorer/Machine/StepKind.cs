namespace NativeMm.Explorer.Machine;

/// <summary>What a strand is about to do to a word.</summary>
internal enum StepKind
{
    /// <summary>Something that is not known, or that is more than one word's matter: it commutes with nothing.</summary>
    Any,

    /// <summary>It reads the word.</summary>
    Read,

    /// <summary>It writes the word.</summary>
    Write,

    /// <summary>It reads and writes the word, and passes a full fence if it succeeds.</summary>
    Change,
}
