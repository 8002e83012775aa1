namespace NativeMm.Explorer.Machine;

/// <summary>What a known-bad copy of the library does wrong at the places that carry a label.</summary>
internal enum Weakening
{
    /// <summary>Nothing: the library as it is.</summary>
    None,

    /// <summary>An acquire, a release or the fence of a read-modify-write is none; a fence is not there. The values are the same.</summary>
    Relaxed,

    /// <summary>
    /// A store, a read-modify-write or a fence does not happen, and its caller believes that it did. A read gives what the thread read there last.
    /// </summary>
    Dropped,

    /// <summary>The case itself does a step of the protocol wrongly that is no operation on a word; the label says which.</summary>
    Protocol,

    /// <summary>A read-modify-write is a read and later a store.</summary>
    Split,
}
