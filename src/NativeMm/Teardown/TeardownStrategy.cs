namespace NativeMm.Teardown;

/// <summary>How work above the floor is shared out.</summary>
public enum TeardownStrategy
{
    /// <summary>Not at all: whoever gives memory back does all of it.</summary>
    Inline,

    /// <summary>
    /// One thread takes the pages of a space out and gathers their frames; full batches go to workers, who free them. Real memory, which has nothing to gather, is divided as by
    /// <see cref="RangeSplit"/>.
    /// </summary>
    Batches,

    /// <summary>The range is divided among the workers, who do all of it, and take from each other what is left.</summary>
    RangeSplit,
}
