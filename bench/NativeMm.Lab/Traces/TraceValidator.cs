using System.Globalization;

namespace NativeMm.Lab.Traces;

/// <summary>Holds records against the rules that make a replay safe: no free of what is not there, nothing out of range.</summary>
internal static class TraceValidator
{
    // Larger than any size that passes the check, so that it can stand for "not live".
    private const ulong NotLive = ulong.MaxValue;

    /// <summary>Performs the records on paper.</summary>
    /// <param name="records">The records, in recorded order.</param>
    /// <param name="objectCount">Object numbers must be below this.</param>
    /// <param name="threadCount">Thread numbers must be below this.</param>
    /// <param name="name">How the message calls the trace.</param>
    /// <exception cref="InvalidDataException">A record breaks a rule.</exception>
    public static void Check(ReadOnlySpan<TraceRecord> records, int objectCount, int threadCount, string name)
    {
        var sizes = new ulong[objectCount];
        Array.Fill(sizes, NotLive);
        ulong live = 0;
        for (int i = 0; i < records.Length; i++)
        {
            ref readonly TraceRecord record = ref records[i];
            CheckFields(in record, i, objectCount, threadCount, name);
            ref ulong size = ref sizes[record.Object];
            bool allocates = record.Operation is TraceOperation.Allocate or TraceOperation.AllocateZeroed;
            if (allocates != (size == NotLive))
            {
                throw Broken(name, i, allocates
                    ? $"allocates object {record.Object}, which is live already"
                    : $"uses object {record.Object}, which is not allocated");
            }

            live -= allocates ? 0 : size;
            live += record.Operation == TraceOperation.Free ? 0 : record.Size;
            size = record.Operation == TraceOperation.Free ? NotLive : record.Size;
            if (live > TraceLimits.LiveBytesMax)
            {
                throw Broken(name, i, $"brings the live bytes to {live}; at most {TraceLimits.LiveBytesMax} are replayed");
            }
        }
    }

    private static void CheckFields(in TraceRecord record, int index, int objectCount, int threadCount, string name)
    {
        if (record.Operation > TraceOperation.Reallocate)
        {
            throw Broken(name, index, $"has operation {(byte)record.Operation}; known are 0 to 3");
        }

        if (record.Thread >= threadCount)
        {
            throw Broken(name, index, $"is by thread {record.Thread}; the header says {threadCount} threads");
        }

        if (record.Object >= objectCount)
        {
            throw Broken(name, index, $"is about object {record.Object}; the header says {objectCount} objects");
        }

        if (record.AlignmentLog2 > TraceLimits.AlignmentLog2Max)
        {
            throw Broken(name, index, $"asks for alignment 2^{record.AlignmentLog2}; at most 2^{TraceLimits.AlignmentLog2Max} is replayed");
        }

        if (record.Operation != TraceOperation.Free && record.Size > TraceLimits.ObjectBytesMax)
        {
            throw Broken(name, index, $"asks for {record.Size} bytes; at most {TraceLimits.ObjectBytesMax} are replayed");
        }
    }

    private static InvalidDataException Broken(string name, int index, string what) =>
        new(string.Create(CultureInfo.InvariantCulture, $"{name}: record {index} {what}."));
}
