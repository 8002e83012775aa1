using NativeMm.Lab.Traces;

namespace NativeMm.Lab.Experiments.Trace;

/// <summary>
/// A trace split by thread. Every record knows how many records of the same object come before it, so that a thread can wait until the
/// object has reached that stage.
/// </summary>
internal sealed class ThreadedTrace
{
    /// <summary>Splits a trace.</summary>
    public ThreadedTrace(Traces.Trace trace)
    {
        var stages = new int[trace.ObjectCount];
        var records = new List<TraceRecord>[trace.ThreadCount];
        var order = new List<int>[trace.ThreadCount];
        for (int thread = 0; thread < trace.ThreadCount; thread++)
        {
            records[thread] = [];
            order[thread] = [];
        }

        foreach (TraceRecord record in trace.Records)
        {
            records[record.Thread].Add(record);
            order[record.Thread].Add(stages[record.Object]++);
        }

        Records = [.. records.Select(r => r.ToArray())];
        Stages = [.. order.Select(s => s.ToArray())];
        ObjectCount = trace.ObjectCount;
        RecordCount = trace.Records.Length;
    }

    /// <summary>Records of each thread, in their order.</summary>
    public IReadOnlyList<TraceRecord[]> Records { get; }

    /// <summary>For each of these records the number of earlier records of its object.</summary>
    public IReadOnlyList<int[]> Stages { get; }

    /// <summary>Object numbers are below this.</summary>
    public int ObjectCount { get; }

    /// <summary>Records of all threads.</summary>
    public int RecordCount { get; }
}
