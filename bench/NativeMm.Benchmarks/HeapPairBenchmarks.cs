using System.Buffers;
using System.Runtime.InteropServices;
using BenchmarkDotNet.Attributes;
using NativeMm.Heap;

namespace NativeMm.Benchmarks;

/// <summary>Allocate, write the first byte, free at once. The baseline is the C library through <see cref="NativeMemory"/>.</summary>
[MemoryDiagnoser]
public unsafe class HeapPairBenchmarks
{
    private readonly NativeHeap _heap = NativeHeap.Shared;

    /// <summary>Bytes of a block.</summary>
    [Params(64, 4096, 65536)]
    public int Bytes { get; set; }

    [Benchmark(Baseline = true)]
    public byte NativeMemoryPair()
    {
        byte* block = (byte*)NativeMemory.Alloc((nuint)Bytes);
        *block = 1;
        byte seen = *block;
        NativeMemory.Free(block);
        return seen;
    }

    [Benchmark]
    public byte NativeHeapPair()
    {
        byte* block = (byte*)_heap.Alloc((nuint)Bytes);
        *block = 1;
        byte seen = *block;
        _heap.Free(block);
        return seen;
    }

    [Benchmark]
    public byte ArrayPoolPair()
    {
        byte[] array = ArrayPool<byte>.Shared.Rent(Bytes);
        array[0] = 1;
        byte seen = array[0];
        ArrayPool<byte>.Shared.Return(array);
        return seen;
    }

    [Benchmark]
    public byte GarbageCollected()
    {
        byte[] array = GC.AllocateUninitializedArray<byte>(Bytes);
        array[0] = 1;
        return array[0];
    }
}
