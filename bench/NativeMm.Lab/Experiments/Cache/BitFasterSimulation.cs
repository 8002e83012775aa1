using BitFaster.Caching;
using NativeMm.Lab.Baselines.Caches;

namespace NativeMm.Lab.Experiments.Cache;

/// <summary>A cache of the BitFaster.Caching package.</summary>
/// <param name="cache">The cache.</param>
internal sealed class BitFasterSimulation(ICache<int, int> cache) : IHitSimulation
{
    /// <inheritdoc/>
    public bool Use(int key)
    {
        if (cache.TryGet(key, out _))
        {
            return true;
        }

        cache.AddOrUpdate(key, key);
        return false;
    }

    /// <inheritdoc/>
    public void Dispose() => (cache as IDisposable)?.Dispose();
}
