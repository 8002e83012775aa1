using System.Runtime.InteropServices;
using NativeMm.Primitives;

namespace NativeMm.Extensions;

/// <summary>The loads and writes of some of the keys, and the lock under which the entries of these keys change. Nothing is awaited under it.</summary>
internal sealed class TierStripe
{
    /// <summary>The lock. A field, for it is a mutable struct.</summary>
    public SleepLock Lock;

    // Writes that the tier has not answered, by key.
    private readonly Dictionary<string, int> _writes = new(StringComparer.Ordinal);

    /// <summary>Loads under way.</summary>
    public Dictionary<string, TierFlight> Flights { get; } = new(StringComparer.Ordinal);

    /// <summary>Whether the tier may not have the last write of a key yet: what it gives meanwhile says nothing.</summary>
    public bool IsWriting(string key) => _writes.ContainsKey(key);

    /// <summary>A write begins: a load that began before must leave no trace, and nobody else may share it.</summary>
    public void BeginWrite(string key)
    {
        Outdate(key);
        CollectionsMarshal.GetValueRefOrAddDefault(_writes, key, out _)++;
    }

    /// <summary>The tier answered, or will not: what a load read meanwhile may be from before the write.</summary>
    public void EndWrite(string key)
    {
        Outdate(key);
        ref int count = ref CollectionsMarshal.GetValueRefOrNullRef(_writes, key);
        if (--count == 0)
        {
            _writes.Remove(key);
        }
    }

    /// <summary>A load that began before must leave no trace.</summary>
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
