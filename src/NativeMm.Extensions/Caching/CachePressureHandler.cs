namespace NativeMm.Extensions;

/// <summary>Lets the budget take memory from the cache: what has expired first, then the entries that would go next.</summary>
/// <param name="cache">The cache.</param>
internal sealed class CachePressureHandler(NativeDistributedCache cache) : IMemoryPressureHandler
{
    /// <inheritdoc/>
    public long Release(long bytes)
    {
        long released = (long)cache.Trim();
        if (released >= bytes)
        {
            return released;
        }

        long used = cache.GetStatistics().Local.UsedBytes;
        return used == 0 ? released : released + (long)cache.Trim(double.Min(1, (double)(bytes - released) / used));
    }
}
