using NativeMm.Primitives;

namespace NativeMm.Lab.Experiments.Vmalloc;

/// <summary>Each thread keeps areas of 1 to 16 pages and replaces any of them by another: what lies side by side is not freed together.</summary>
internal sealed class FlushWorkload<TRanges>(TRanges ranges, int threads)
    where TRanges : struct, IVmallocUnderTest
{
    private const int Live = 256;
    private const int TableLength = 1 << 12;
    private const int PagesMax = 16;
    private const int Seed = 0x666c;
    private const nuint Page = Pfn.FrameBytes;

    private readonly nuint[][] _addresses = new nuint[threads][];
    private readonly nuint[][] _bytes = new nuint[threads][];
    private readonly int[][] _places = new int[threads][];
    private readonly nuint[][] _sizes = new nuint[threads][];
    private readonly TestTally[] _tallies = new TestTally[threads];

    /// <summary>Areas freed since all threads were set up.</summary>
    public long Frees => _tallies.Sum(t => t.Passed);

    /// <summary>Allocates what a thread keeps.</summary>
    public void SetUp(int thread)
    {
        var random = new Random(Seed + thread);
        _places[thread] = [.. Enumerable.Range(0, TableLength).Select(_ => random.Next(Live))];
        _sizes[thread] = [.. Enumerable.Range(0, TableLength).Select(_ => (nuint)random.Next(1, PagesMax + 1) * Page)];
        _bytes[thread] = [.. _sizes[thread].Take(Live)];
        _addresses[thread] = [.. _bytes[thread].Select(Alloc)];
        _tallies[thread] = new TestTally();
    }

    /// <summary>Replaces areas.</summary>
    public void Replace(int thread, int operations)
    {
        nuint[] addresses = _addresses[thread];
        nuint[] bytes = _bytes[thread];
        int[] places = _places[thread];
        nuint[] sizes = _sizes[thread];
        for (int i = 0; i < operations; i++)
        {
            int place = places[i & (TableLength - 1)];
            ranges.Free(addresses[place], bytes[place]);
            bytes[place] = sizes[i & (TableLength - 1)];
            addresses[place] = Alloc(bytes[place]);
        }

        _tallies[thread].Add(operations, failed: 0);
    }

    /// <summary>Frees what a thread keeps.</summary>
    public void TearDown(int thread)
    {
        for (int i = 0; i < Live; i++)
        {
            ranges.Free(_addresses[thread][i], _bytes[thread][i]);
        }
    }

    private unsafe nuint Alloc(nuint bytes)
    {
        nuint address = ranges.Alloc(bytes, Page);
        if (address == 0)
        {
            throw new InsufficientMemoryException($"There are no {bytes} contiguous bytes left.");
        }

        for (nuint offset = 0; offset < bytes; offset += Page)
        {
            *(byte*)(address + offset) = 1;
        }

        return address;
    }
}
