using System.Numerics;
using NativeMm.Primitives;

namespace NativeMm.Buffers;

/// <summary>Counts accesses, on a line for each core.</summary>
internal sealed class AccessCounter
{
    private const int Stride = CacheLine.Isolation / sizeof(long);

    private readonly long[] _counts;
    private readonly int _mask;

    public AccessCounter()
    {
        int cores = (int)BitOperations.RoundUpToPowerOf2((uint)Environment.ProcessorCount);
        _counts = new long[(cores + 1) * Stride];
        _mask = cores - 1;
    }

    /// <summary>Counts one.</summary>
    public void Add() => Atomic.Add(ref _counts[((CoreId.CurrentHint.Value & _mask) + 1) * Stride], 1);

    /// <summary>How many there were.</summary>
    public long Read()
    {
        long sum = 0;
        for (int i = Stride; i < _counts.Length; i += Stride)
        {
            sum += Atomic.LoadAcquire(in _counts[i]);
        }

        return sum;
    }
}
