using System.Runtime.InteropServices;
using BenchmarkDotNet.Attributes;
using NativeMm.Buffers;
using NativeMm.Heap;

namespace NativeMm.Benchmarks;

/// <summary>A thousand small objects that die together; figures are per object.</summary>
[MemoryDiagnoser]
public unsafe class ArenaBenchmarks : IDisposable
{
    private const int Objects = 1000;

    private readonly NativeHeap _heap = NativeHeap.Shared;
    private readonly nint[] _blocks = new nint[Objects];
    private readonly Arena _arena = new();

    /// <summary>Bytes of an object.</summary>
    [Params(24, 200)]
    public int Bytes { get; set; }

    [GlobalCleanup]
    public void Dispose()
    {
        _arena.Dispose();
        GC.SuppressFinalize(this);
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = Objects)]
    public void NativeMemoryEach()
    {
        for (int i = 0; i < _blocks.Length; i++)
        {
            _blocks[i] = (nint)NativeMemory.Alloc((nuint)Bytes);
        }

        foreach (nint block in _blocks)
        {
            NativeMemory.Free((void*)block);
        }
    }

    [Benchmark(OperationsPerInvoke = Objects)]
    public void NativeHeapEach()
    {
        for (int i = 0; i < _blocks.Length; i++)
        {
            _blocks[i] = (nint)_heap.Alloc((nuint)Bytes);
        }

        foreach (nint block in _blocks)
        {
            _heap.Free((void*)block);
        }
    }

    [Benchmark(OperationsPerInvoke = Objects)]
    public void ArenaReset()
    {
        for (int i = 0; i < _blocks.Length; i++)
        {
            _blocks[i] = (nint)_arena.Alloc((nuint)Bytes);
        }

        _arena.Reset();
    }

    [Benchmark(OperationsPerInvoke = Objects)]
    public void ArenaFresh()
    {
        using var arena = new Arena();
        for (int i = 0; i < _blocks.Length; i++)
        {
            _blocks[i] = (nint)arena.Alloc((nuint)Bytes);
        }
    }
}
