namespace NativeMm.Lab.Baselines.Caches;

/// <summary>A cache of numbers that only says what it holds.</summary>
internal interface IHitSimulation : IDisposable
{
    /// <summary>Uses a key, which comes in if it is not there.</summary>
    /// <returns>Whether it was there.</returns>
    bool Use(int key);
}
