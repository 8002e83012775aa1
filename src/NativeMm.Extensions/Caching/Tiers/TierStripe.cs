using NativeMm.Primitives;

namespace NativeMm.Extensions;

/// <summary>The loads of some of the keys, and the lock under which the entries of these keys change. Nothing is awaited under it.</summary>
internal sealed class TierStripe
{
    /// <summary>The lock. A field, for it is a mutable struct.</summary>
    public SleepLock Lock;

    /// <summary>Loads under way.</summary>
    public Dictionary<string, TierFlight> Flights { get; } = new(StringComparer.Ordinal);

    /// <summary>A write: a load that began before must leave no trace, and nobody else may share it.</summary>
    public void Outdate(string key)
    {
        if (Flights.Remove(key, out TierFlight? flight))
        {
            flight.IsOutdated = true;
        }
    }

    /// <summary>The end of a load.</summary>
    public void Forget(string key, TierFlight flight)
    {
        if (Flights.TryGetValue(key, out TierFlight? there) && there == flight)
        {
            Flights.Remove(key);
        }
    }
}
