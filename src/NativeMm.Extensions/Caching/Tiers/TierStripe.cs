using System.Runtime.InteropServices;
using NativeMm.Primitives;

namespace NativeMm.Extensions;

/// <summary>The loads and writes of some of the keys, and the lock under which the entries of these keys change. Nothing is awaited under it.</summary>
internal sealed class TierStripe
{
    /// <summary>The lock. A field, for it is a mutable struct.</summary>
    public SleepLock Lock;

    // Writes and repairs that the tier has not answered, by key.
    private readonly Dictionary<string, Writes> _writes = new(StringComparer.Ordinal);

    /// <summary>Loads under way.</summary>
    public Dictionary<string, TierFlight> Flights { get; } = new(StringComparer.Ordinal);

    /// <summary>Whether the tier may not have the last write of a key yet, or may lose it to a repair: what it gives meanwhile says nothing.</summary>
    public bool IsWriting(string key) => _writes.TryGetValue(key, out Writes under) && (under.Count != 0 || under.HasOverlap);

    /// <summary>A write begins: a load that began before must leave no trace, and nobody else may share it.</summary>
    public void BeginWrite(string key, long version)
    {
        Outdate(key);
        CollectionsMarshal.GetValueRefOrAddDefault(_writes, key, out _).Begin(version, isRepair: false);
    }

    /// <summary>The tier answered, or will not: what a load read meanwhile may be from before the write.</summary>
    /// <returns>As <see cref="EndRepair"/> does.</returns>
    public long EndWrite(string key)
    {
        Outdate(key);
        return End(key, isRepair: false);
    }

    /// <summary>The tier is to get a write that it missed. The load that found out goes on, and is shared.</summary>
    public void BeginRepair(string key, long version) => CollectionsMarshal.GetValueRefOrAddDefault(_writes, key, out _).Begin(version, isRepair: true);

    /// <summary>The tier has it, or has not.</summary>
    /// <returns>
    /// With the end of the last one of several that were under way at once, the version of the latest of them: nobody knows which one the tier did last. Else 0.
    /// </returns>
    public long EndRepair(string key) => End(key, isRepair: true);

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

    private long End(string key, bool isRepair)
    {
        ref Writes under = ref CollectionsMarshal.GetValueRefOrNullRef(_writes, key);
        if (!under.End(isRepair))
        {
            return 0;
        }

        long unsure = under.HasOverlap ? under.Latest : 0;
        _writes.Remove(key);
        if (unsure != 0)
        {
            Outdate(key);
        }

        return unsure;
    }

    /// <summary>What is under way for one key.</summary>
    private struct Writes
    {
        private int _repairs;

        /// <summary>Writes, without repairs.</summary>
        public int Count { get; private set; }

        /// <summary>The latest version of all.</summary>
        public long Latest { get; private set; }

        /// <summary>Whether any two were under way at once.</summary>
        public bool HasOverlap { get; private set; }

        public void Begin(long version, bool isRepair)
        {
            HasOverlap |= Count + _repairs != 0;
            Latest = long.Max(Latest, version);
            Count += isRepair ? 0 : 1;
            _repairs += isRepair ? 1 : 0;
        }

        /// <summary>Whether that was the last one.</summary>
        public bool End(bool isRepair)
        {
            Count -= isRepair ? 0 : 1;
            _repairs -= isRepair ? 1 : 0;
            return Count + _repairs == 0;
        }
    }
}
