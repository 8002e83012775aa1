namespace NativeMm.Extensions;

/// <summary>Lets the budget take memory from the cache: what has expired first, then the entries that would go next.</summary>
/// <param name="cache">The cache.</param>
internal sealed class CachePressureHandler(NativeDistributedCache cache) : IMemoryPressureHandler
{
    // Memory goes back by the segment, so the first share seldom frees as much as it evicts; each round asks for twice what is missing.
    private const int RoundsMax = 4;

    /// <inheritdoc/>
    public long Release(long bytes)
    {
        long released = (long)cache.Trim();
        for (int round = 0; released < bytes && round < RoundsMax; round++)
        {
            long used = long.Max(cache.GetStatistics().Local.UsedBytes, 1);
            released += (long)cache.Trim(double.Min(1, (double)(bytes - released) / used * (1 << round)));
        }

        return released;
    }
}
