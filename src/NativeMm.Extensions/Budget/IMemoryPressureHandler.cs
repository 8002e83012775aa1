namespace NativeMm.Extensions;

/// <summary>
/// Something of the service that can give memory up: a cache. Register it as a singleton; <see cref="MemoryBudget"/> calls it when memory runs short, after the
/// library's own caches. It is called on a thread of the thread pool, one call at a time.
/// </summary>
public interface IMemoryPressureHandler
{
    /// <summary>Gives memory up, managed or native, the least useful first.</summary>
    /// <param name="bytes">How much is wanted. Less is no mistake, nor is more.</param>
    /// <returns>How much was given up, as far as it is known.</returns>
    long Release(long bytes);
}
