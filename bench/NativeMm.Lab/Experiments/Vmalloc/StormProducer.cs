using System.Diagnostics;
using NativeMm.Primitives;
using NativeMm.Vmap;

namespace NativeMm.Lab.Experiments.Vmalloc;

/// <summary>Allocates many areas and frees all of them at once, in any order, again and again. For one thread.</summary>
internal sealed class StormProducer
{
    private readonly VmapAllocator _allocator;
    private readonly nuint[] _bytes;
    private readonly int[] _order;
    private readonly nuint[] _areas;

    /// <summary>Prepares the sizes.</summary>
    /// <param name="allocator">Where from.</param>
    /// <param name="seed">For sizes and order.</param>
    /// <param name="pages">Pages that are allocated before they are freed.</param>
    /// <param name="pagesMax">Pages of the largest area.</param>
    public StormProducer(VmapAllocator allocator, int seed, long pages, int pagesMax)
    {
        var random = new Random(seed);
        var bytes = new List<nuint>();
        for (long left = pages; left > 0;)
        {
            int next = (int)Math.Min(left, random.Next(1, pagesMax + 1));
            bytes.Add((nuint)next * Pfn.FrameBytes);
            left -= next;
        }

        _allocator = allocator;
        _bytes = [.. bytes];
        _areas = new nuint[_bytes.Length];
        _order = [.. Enumerable.Range(0, _bytes.Length)];
        random.Shuffle(_order);
    }

    /// <summary>Areas freed so far.</summary>
    public long Frees { get; private set; }

    /// <summary>Goes on for a while, and for a number of rounds at least.</summary>
    public unsafe void Run(double seconds, int roundsMin)
    {
        long begun = Stopwatch.GetTimestamp();
        for (int round = 0; round < roundsMin || Stopwatch.GetElapsedTime(begun).TotalSeconds < seconds; round++)
        {
            for (int i = 0; i < _areas.Length; i++)
            {
                _areas[i] = (nuint)_allocator.Alloc(_bytes[i]);
            }

            foreach (int i in _order)
            {
                _allocator.Free((void*)_areas[i]);
            }

            Frees += _areas.Length;
        }
    }
}
