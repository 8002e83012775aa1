using System.Numerics;
using NativeMm.Primitives;

namespace NativeMm.Buffers;

/// <summary>
/// Rents, returns and bytes, counted a cell per core and added up when somebody asks. A rent and its return may count in different cells, so a
/// single cell says nothing. Thread-safe; sums are exact at rest.
/// </summary>
internal sealed class PoolCounters
{
    private const int Stride = CacheLine.Isolation / sizeof(long);
    private const int CellsMax = 64;

    // One cell in front is left unused, so that the array's length, read at every access, does not share a line with a counter.
    private readonly long[] _words;
    private readonly int _mask;

    public PoolCounters()
    {
        int cells = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Min(Environment.ProcessorCount, CellsMax));
        _words = new long[(cells + 1) * Stride];
        _mask = cells - 1;
    }

    public void Rented(int bytes)
    {
        int cell = Cell();
        Atomic.Add(ref _words[cell], 1);
        Atomic.Add(ref _words[cell + 2], bytes);
    }

    public void Returned(int bytes)
    {
        int cell = Cell();
        Atomic.Add(ref _words[cell + 1], 1);
        Atomic.Add(ref _words[cell + 2], -bytes);
    }

    public (long Rents, long Returns, long Bytes) Sum()
    {
        (long Rents, long Returns, long Bytes) sum = default;
        for (int cell = Stride; cell < _words.Length; cell += Stride)
        {
            sum.Rents += Atomic.LoadAcquire(ref _words[cell]);
            sum.Returns += Atomic.LoadAcquire(ref _words[cell + 1]);
            sum.Bytes += Atomic.LoadAcquire(ref _words[cell + 2]);
        }

        return sum;
    }

    private int Cell() => ((CoreId.CurrentHint.Value & _mask) + 1) * Stride;
}
