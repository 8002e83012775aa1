namespace NativeMm.Extensions;

/// <summary>Lets the budget take memory from the cache: what has expired first, then the entries that would go next.</summary>
/// <param name="trim">Takes a share of the entries out, and says how many bytes went back.</param>
/// <param name="usedBytes">What the cache takes.</param>
internal sealed class CachePressureHandler(Func<double, ulong> trim, Func<long> usedBytes) : IMemoryPressureHandler
{
    // Memory goes back by the segment, so the first share seldom frees as much as it evicts; each round asks for twice what is missing.
    private const int RoundsMax = 4;

    /// <inheritdoc/>
    public long Release(long bytes)
    {
        long released = (long)trim(0);
        for (int round = 0; released < bytes && round < RoundsMax; round++)
        {
            long used = long.Max(usedBytes(), 1);
            released += (long)trim(double.Min(1, (double)(bytes - released) / used * (1 << round)));
        }

        return released;
    }
}
