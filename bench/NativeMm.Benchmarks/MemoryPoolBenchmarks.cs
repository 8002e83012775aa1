using System.Buffers;
using BenchmarkDotNet.Attributes;
using NativeMm.Buffers;
using NativeMm.Heap;

namespace NativeMm.Benchmarks;

/// <summary>Rent, write the first byte, dispose. The baseline is the framework's pool of arrays.</summary>
[MemoryDiagnoser]
public class MemoryPoolBenchmarks : IDisposable
{
    private readonly NativeMemoryPool _recycling = new(NativeHeap.Shared, recycleOwners: true);

    /// <summary>Bytes of a buffer.</summary>
    [Params(256, 4096, 65536)]
    public int Bytes { get; set; }

    [GlobalCleanup]
    public void Dispose()
    {
        _recycling.Dispose();
        GC.SuppressFinalize(this);
    }

    [Benchmark(Baseline = true)]
    public byte MemoryPoolShared() => RentAndReturn(MemoryPool<byte>.Shared, Bytes);

    [Benchmark]
    public byte NativePool() => RentAndReturn(NativeMemoryPool.Default, Bytes);

    [Benchmark]
    public byte NativePoolWithRecycledOwners() => RentAndReturn(_recycling, Bytes);

    [Benchmark]
    public byte NativeBuffer()
    {
        using var buffer = new NativeBuffer<byte>(Bytes);
        Span<byte> span = buffer.Span;
        span[0] = 1;
        return span[0];
    }

    private static byte RentAndReturn(MemoryPool<byte> pool, int bytes)
    {
        using IMemoryOwner<byte> owner = pool.Rent(bytes);
        Span<byte> span = owner.Memory.Span;
        span[0] = 1;
        return span[0];
    }
}
