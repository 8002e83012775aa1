using System.Buffers;
using System.Runtime.InteropServices;
using BenchmarkDotNet.Attributes;
using NativeMm.Heap;

namespace NativeMm.Benchmarks;

/// <summary>A hundred blocks allocated, then freed in reverse; figures are per block.</summary>
[MemoryDiagnoser]
public unsafe class HeapBatchBenchmarks
{
    private const int Blocks = 100;

    private readonly NativeHeap _heap = NativeHeap.Shared;
    private readonly nint[] _blocks = new nint[Blocks];
    private readonly byte[][] _arrays = new byte[Blocks][];

    /// <summary>Bytes of a block.</summary>
    [Params(64, 4096)]
    public int Bytes { get; set; }

    [Benchmark(Baseline = true, OperationsPerInvoke = Blocks)]
    public void NativeMemoryBatch()
    {
        for (int i = 0; i < _blocks.Length; i++)
        {
            _blocks[i] = (nint)NativeMemory.Alloc((nuint)Bytes);
        }

        for (int i = _blocks.Length - 1; i >= 0; i--)
        {
            NativeMemory.Free((void*)_blocks[i]);
        }
    }

    [Benchmark(OperationsPerInvoke = Blocks)]
    public void NativeHeapBatch()
    {
        for (int i = 0; i < _blocks.Length; i++)
        {
            _blocks[i] = (nint)_heap.Alloc((nuint)Bytes);
        }

        for (int i = _blocks.Length - 1; i >= 0; i--)
        {
            _heap.Free((void*)_blocks[i]);
        }
    }

    [Benchmark(OperationsPerInvoke = Blocks)]
    public void NativeHeapBulk()
    {
        _heap.AllocBulk((nuint)Bytes, _blocks);
        _heap.FreeBulk(_blocks);
    }

    [Benchmark(OperationsPerInvoke = Blocks)]
    public void ArrayPoolBatch()
    {
        for (int i = 0; i < _arrays.Length; i++)
        {
            _arrays[i] = ArrayPool<byte>.Shared.Rent(Bytes);
        }

        for (int i = _arrays.Length - 1; i >= 0; i--)
        {
            ArrayPool<byte>.Shared.Return(_arrays[i]);
        }
    }
}
