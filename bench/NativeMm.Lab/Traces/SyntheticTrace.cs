namespace NativeMm.Lab.Traces;

/// <summary>
/// A tiny trace that performs every operation, on two threads and across them. Every variant replays it until its code is compiled, so
/// that the compiler's own memory is not charged to the allocator.
/// </summary>
internal static class SyntheticTrace
{
    private const int Objects = 64;

    /// <summary>Makes the trace.</summary>
    public static Trace Create()
    {
        var records = new List<TraceRecord>();
        for (uint i = 0; i < Objects; i++)
        {
            var operation = i % 4 == 1 ? TraceOperation.AllocateZeroed : TraceOperation.Allocate;
            ushort alignment = (ushort)(i % 8 == 2 ? 6 : 0);
            records.Add(new TraceRecord(operation, (byte)(i % 2), alignment, i, 16 + (i * 24)));
        }

        for (uint i = 0; i < Objects; i += 2)
        {
            records.Add(new TraceRecord(TraceOperation.Reallocate, (byte)(i / 2 % 2), 0, i, 2048 - (i * 24)));
        }

        for (uint i = 0; i < Objects; i++)
        {
            records.Add(new TraceRecord(TraceOperation.Free, (byte)(i / 4 % 2), 0, i, 0));
        }

        return new Trace("synthetic", [.. records], Objects, 2);
    }
}
