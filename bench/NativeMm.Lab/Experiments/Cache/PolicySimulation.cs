using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using NativeMm.Eviction;
using NativeMm.Lab.Baselines.Caches;

namespace NativeMm.Lab.Experiments.Cache;

/// <summary>A cache over one of the library's policies: hits set a bit, a miss takes a victim's place, what left is kept in a table of fingerprints.</summary>
/// <typeparam name="TPolicy">The policy.</typeparam>
internal sealed unsafe class PolicySimulation<TPolicy> : IHitSimulation
    where TPolicy : struct, IReplacementPolicy
{
    private const int Absent = -1;

    private readonly int[] _numbers;
    private readonly int[] _keys;
    private readonly bool[] _used;
    private readonly int[] _free;
    private readonly uint[] _victims;
    private readonly EvictionHistory _history;

    [SuppressMessage("Style", "IDE0044:Add readonly modifier", Justification = "The policy changes itself: a copy would be another one.")]
    private TPolicy _policy;

    private void* _memory;
    private int _freeCount;

    /// <summary>An empty cache.</summary>
    /// <param name="keys">How many keys there are.</param>
    /// <param name="entries">How many of them stay in.</param>
    /// <param name="victims">How many are chosen at once.</param>
    public PolicySimulation(int keys, int entries, int victims)
    {
        _numbers = new int[keys];
        Array.Fill(_numbers, Absent);
        _keys = new int[entries];
        _used = new bool[entries];
        _victims = new uint[victims];
        _free = [.. Enumerable.Range(0, entries).Reverse()];
        _freeCount = entries;
        nuint historyBytes = EvictionHistory.BytesFor((uint)entries);
        nuint bytes = historyBytes + (nuint)(entries * TPolicy.ItemBytes);
        _memory = NativeMemory.AlignedAlloc(bytes, EvictionHistory.LineBytes);
        NativeMemory.Clear(_memory, bytes);
        _history.Attach((byte*)_memory, (uint)entries, Math.Max(1, TPolicy.HistoryBits));
        _policy = new TPolicy();
        _policy.Attach((byte*)_memory + historyBytes, (uint)entries, (uint)(entries - victims + 1));
    }

    /// <summary>Victims that were chosen.</summary>
    public long Evictions { get; private set; }

    /// <summary>Questions whether an entry was used.</summary>
    public long Looks { get; private set; }

    /// <inheritdoc/>
    public bool Use(int key)
    {
        int number = _numbers[key];
        if (number != Absent)
        {
            _used[number] = true;
            return true;
        }

        if (_freeCount == 0)
        {
            Evict();
        }

        number = _free[--_freeCount];
        _keys[number] = key;
        _numbers[key] = number;
        _used[number] = false;
        _policy.Insert((uint)number, _history.Take(HashOf(key)));
        return false;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        NativeMemory.AlignedFree(_memory);
        _memory = null;
    }

    private static ulong HashOf(int key)
    {
        ulong hash = (ulong)key + 0x9E3779B97F4A7C15;
        hash = (hash ^ (hash >> 30)) * 0xBF58476D1CE4E5B9;
        hash = (hash ^ (hash >> 27)) * 0x94D049BB133111EB;
        return hash ^ (hash >> 31);
    }

    private void Evict()
    {
        var probe = new UsedBits(_used);
        int count = _policy.Select(ref probe, _victims);
        for (int i = count - 1; i >= 0; i--)
        {
            int number = (int)_victims[i];
            _history.Put(HashOf(_keys[number]), _policy.Evicted((uint)number));
            _numbers[_keys[number]] = Absent;
            _free[_freeCount++] = number;
        }

        Evictions += count;
        Looks += probe.Looks;
    }

    private struct UsedBits(bool[] used) : IAccessProbe
    {
        public long Looks { get; private set; }

        public bool TestAndClear(uint number)
        {
            Looks++;
            bool was = used[number];
            used[number] = false;
            return was;
        }
    }
}
