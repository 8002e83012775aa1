namespace NativeMm.Slabs;

/// <summary>A pool that gives back what lies unused.</summary>
internal interface IIdlePass
{
    /// <summary>Whether a pass could find anything, now or later.</summary>
    bool HasWork { get; }

    /// <summary>One pass.</summary>
    /// <returns>Whether another one is wanted.</returns>
    bool RunIdlePass();
}
