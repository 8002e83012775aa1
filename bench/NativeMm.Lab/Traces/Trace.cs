namespace NativeMm.Lab.Traces;

/// <summary>A recorded run of a program, checked: every record can be performed in the recorded order.</summary>
/// <param name="name">How reports call it.</param>
/// <param name="records">All calls, in the order in which they happened.</param>
/// <param name="objectCount">Object numbers are below this.</param>
/// <param name="threadCount">Thread numbers are below this.</param>
internal sealed class Trace(string name, TraceRecord[] records, int objectCount, int threadCount)
{
    /// <summary>How reports call it.</summary>
    public string Name { get; } = name;

    /// <summary>All calls, in the order in which they happened.</summary>
    public TraceRecord[] Records { get; } = records;

    /// <summary>Object numbers are below this.</summary>
    public int ObjectCount { get; } = objectCount;

    /// <summary>Thread numbers are below this.</summary>
    public int ThreadCount { get; } = threadCount;
}
