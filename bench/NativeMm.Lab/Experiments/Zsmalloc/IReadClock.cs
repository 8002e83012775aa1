namespace NativeMm.Lab.Experiments.Zsmalloc;

/// <summary>Whether reads are timed one by one. A struct type parameter, so that the workload without it pays nothing.</summary>
internal interface IReadClock
{
    /// <summary>Whether it is on.</summary>
    static abstract bool IsOn { get; }
}
