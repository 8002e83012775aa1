using System.Buffers;
using BenchmarkDotNet.Attributes;
using NativeMm.Buffers;

namespace NativeMm.Benchmarks;

/// <summary>A message written in small pieces, from an empty writer each time.</summary>
[MemoryDiagnoser]
public class BufferWriterBenchmarks
{
    private readonly byte[] _piece = new byte[100];

    /// <summary>Bytes of the whole message.</summary>
    [Params(1_000, 100_000, 10_000_000)]
    public int MessageBytes { get; set; }

    [Benchmark(Baseline = true)]
    public int ArrayWriter()
    {
        var writer = new ArrayBufferWriter<byte>();
        for (int written = 0; written < MessageBytes; written += _piece.Length)
        {
            writer.Write(_piece);
        }

        return writer.WrittenCount;
    }

    [Benchmark]
    public int NativeWriter()
    {
        using var writer = new NativeBufferWriter<byte>();
        for (int written = 0; written < MessageBytes; written += _piece.Length)
        {
            writer.Write(_piece);
        }

        return writer.WrittenCount;
    }
}
