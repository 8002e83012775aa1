using NativeMm.Lab.Experiments.Paging;
using NativeMm.Lab.Harness;

namespace NativeMm.Lab.Experiments.Cache;

/// <summary>Calls of a cache, for items by Zipf's law that are scattered over it.</summary>
internal sealed class CacheWorkload<TCache>
    where TCache : struct, ICacheUnderTest
{
    private const int OrderLength = 1 << 20;
    private const int OperationsOfWarmup = 2000;
    private const int OperationsCounted = 100_000;
    private const int SetEach = 10;

    private readonly TCache _cache;
    private readonly string _part;
    private readonly int[] _order = new int[OrderLength];

    /// <summary>Prepares the order.</summary>
    public CacheWorkload(TCache cache, int items, string part)
    {
        _cache = cache;
        _part = part;
        var pattern = new PagePattern(PagePattern.Zipf, items);
        for (int i = 0; i < OrderLength; i++)
        {
            _order[i] = pattern.Next();
        }
    }

    /// <summary>Times the calls, and counts what they allocate.</summary>
    public Measurement Measure(MeasurementRequest request)
    {
        using var crew = new ThreadCrew(request.Case.Threads, request.Pin);
        double time = RoundTimer.Best(crew, 1, thread => Use(thread, OperationsOfWarmup), Use, request.Seconds);
        long[] allocated = new long[crew.Size];
        crew.Run(thread =>
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            Use(thread, OperationsCounted);
            allocated[thread] = GC.GetAllocatedBytesForCurrentThread() - before;
        });
        return new Measurement().Add("ns_per_op", time).Add("allocated_per_op", (double)allocated.Sum() / OperationsCounted / crew.Size);
    }

    private void Use(int thread, int operations)
    {
        // Threads begin at different places, and each where it likes within a round: the order is the same for every cache.
        int at = thread * (OrderLength / 7) % OrderLength;
        Span<byte> value = stackalloc byte[CacheKeys.ValueBytes];
        switch (_part)
        {
            case CachePart.Get:
                for (int i = 0; i < operations; i++)
                {
                    Get(Next(ref at), value);
                }

                break;
            case CachePart.Set:
                for (int i = 0; i < operations; i++)
                {
                    Set(Next(ref at), value);
                }

                break;
            default:
                for (int i = 0; i < operations; i++)
                {
                    if (i % SetEach == 0)
                    {
                        Set(Next(ref at), value);
                    }
                    else
                    {
                        Get(Next(ref at), value);
                    }
                }

                break;
        }
    }

    private int Next(ref int at)
    {
        at = (at + 1) & (OrderLength - 1);
        return _order[at];
    }

    private void Get(int item, Span<byte> value)
    {
        if (!_cache.Get(item, value) || BitConverter.ToInt32(value) != item)
        {
            throw new InvalidDataException($"Item {item} is not what was set.");
        }
    }

    private void Set(int item, Span<byte> value)
    {
        BitConverter.TryWriteBytes(value, item);
        _cache.Set(item, value);
    }
}
