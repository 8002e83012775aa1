namespace NativeMm.Eviction;

/// <summary>Where an item of a <see cref="ReuseClockPolicy"/> is.</summary>
internal enum ReuseState
{
    /// <summary>Nobody has inserted the number.</summary>
    Out = 0,

    /// <summary>In; it goes unless it is used before the hand comes.</summary>
    Probation = 1,

    /// <summary>In; it goes when it is among the coldest, and somebody with a shorter reuse wants its place.</summary>
    Protected = 2,

    /// <summary>A victim of which nothing was said yet.</summary>
    Selected = 3,
}
