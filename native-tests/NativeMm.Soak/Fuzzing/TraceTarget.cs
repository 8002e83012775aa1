using System.Buffers.Binary;
using System.IO.Compression;
using System.Runtime.InteropServices;
using NativeMm.Lab.Traces;
using NativeMm.Soak.Shadow;

namespace NativeMm.Soak.Fuzzing;

/// <summary>The reader of traces: a trace that holds its own rules, or <see cref="InvalidDataException"/>, and no memory because a header says so.</summary>
internal sealed class TraceTarget : IFuzzTarget
{
    private const long AllocatedBytesMax = 16 << 20;
    private readonly byte[] _plain;
    private readonly byte[] _packed;

    public TraceTarget()
    {
        Trace trace = SyntheticTrace.Create();
        _plain = new byte[TraceWriter.HeaderBytes + (trace.Records.Length * TraceRecord.Bytes)];
        "NMTRACE1"u8.CopyTo(_plain);
        BinaryPrimitives.WriteUInt32LittleEndian(_plain.AsSpan(8), (uint)trace.Records.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(_plain.AsSpan(12), (uint)trace.ObjectCount);
        BinaryPrimitives.WriteUInt32LittleEndian(_plain.AsSpan(16), (uint)trace.ThreadCount);
        MemoryMarshal.AsBytes(trace.Records.AsSpan()).CopyTo(_plain.AsSpan(TraceWriter.HeaderBytes));
        using var packed = new MemoryStream();
        using (var zip = new GZipStream(packed, CompressionLevel.Fastest))
        {
            zip.Write(_plain);
        }

        _packed = packed.ToArray();
    }

    public string Name => "trace";

    public void Run(Chance chance)
    {
        byte[] bytes = Make(chance);
        long before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            Trace trace = TraceReader.Read(new MemoryStream(bytes), "fuzz");
            TraceValidator.Check(trace.Records, trace.ObjectCount, trace.ThreadCount, "fuzz");
            if (trace.Records.Length == 0 || trace.ObjectCount > trace.Records.Length)
            {
                throw new FindingException("trace", 0, "records, and not more objects than those", $"{trace.Records.Length} and {trace.ObjectCount}");
            }
        }
        catch (InvalidDataException problem) when (problem.Message.StartsWith("fuzz: ", StringComparison.Ordinal))
        {
            // The only way to say no.
        }

        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        if (allocated > AllocatedBytesMax)
        {
            throw new FindingException("trace", 0, $"at most {AllocatedBytesMax} bytes of memory for {bytes.Length}", $"{allocated}");
        }
    }

    public void Dispose()
    {
    }

    /// <summary>Half of the cases keep the structure: whole records with one field changed, so that the rules behind the header are reached.</summary>
    private byte[] Make(Chance chance)
    {
        if (chance.OneIn(4))
        {
            return Mutation.Of(chance.OneIn(2) ? _packed : _plain, chance);
        }

        byte[] bytes = [.. _plain];
        for (int count = chance.Between(0, 3); count > 0; count--)
        {
            int record = TraceWriter.HeaderBytes + (chance.Below((_plain.Length - TraceWriter.HeaderBytes) / TraceRecord.Bytes) * TraceRecord.Bytes);
            (int field, int width) = chance.Below(5) switch { 0 => (0, 1), 1 => (1, 1), 2 => (2, 2), 3 => (4, 4), _ => (8, 8) };
            ulong value = chance.OneIn(2) ? chance.Next() : (ulong)chance.Below(64);
            MemoryMarshal.AsBytes(new ReadOnlySpan<ulong>(in value))[..width].CopyTo(bytes.AsSpan(record + field));
        }

        if (chance.OneIn(4))
        {
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8 + (4 * chance.Below(3))), chance.OneIn(2) ? (uint)chance.Below(300) : (uint)chance.Next());
        }

        return bytes;
    }
}
