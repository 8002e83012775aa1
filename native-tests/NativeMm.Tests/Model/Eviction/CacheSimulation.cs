using System.Runtime.InteropServices;
using NativeMm.Eviction;

namespace NativeMm.Tests.Model.Eviction;

/// <summary>A cache of numbered entries over a policy: hits set a bit, a miss takes a victim's place, what left keeps its history.</summary>
/// <typeparam name="TPolicy">The policy under test.</typeparam>
internal sealed unsafe class CacheSimulation<TPolicy> : IDisposable
    where TPolicy : struct, IReplacementPolicy
{
    private const int Absent = -1;

    private readonly Dictionary<long, uint> _numbers = [];
    private readonly Dictionary<long, uint> _histories = [];
    private readonly long[] _keys;
    private readonly bool[] _used;
    private readonly Stack<uint> _free = new();
    private readonly uint[] _batch;
    private readonly bool _insertUses;
    private byte* _metadata;
    private TPolicy _policy;

    /// <summary>Makes an empty cache.</summary>
    /// <param name="capacity">Entries.</param>
    /// <param name="batch">Victims at once.</param>
    /// <param name="insertUses">Whether an entry that came in counts as used, as a page does whose first access faults.</param>
    public CacheSimulation(int capacity, int batch = 1, bool insertUses = true)
    {
        _keys = new long[capacity];
        _used = new bool[capacity];
        _batch = new uint[batch];
        _insertUses = insertUses;
        _metadata = (byte*)NativeMemory.AllocZeroed((nuint)(capacity * TPolicy.ItemBytes));
        _policy.Attach(_metadata, (uint)capacity, (uint)(capacity - batch + 1));
        for (int i = capacity - 1; i >= 0; i--)
        {
            _keys[i] = Absent;
            _free.Push((uint)i);
        }
    }

    public ref TPolicy Policy => ref _policy;

    public long Hits { get; private set; }

    public long Requests { get; private set; }

    /// <summary>Uses of a key: a hit, or a miss that brings it in.</summary>
    public bool Use(long key)
    {
        Requests++;
        if (_numbers.TryGetValue(key, out uint number))
        {
            _used[number] = true;
            Hits++;
            return true;
        }

        if (_free.Count == 0)
        {
            Evict();
        }

        number = _free.Pop();
        _keys[number] = key;
        _numbers[key] = number;
        _used[number] = _insertUses;
        _policy.Insert(number, _histories.GetValueOrDefault(key));
        return false;
    }

    /// <summary>Hits of a hundred requests.</summary>
    public double Percent(IEnumerable<long> keys)
    {
        (long hits, long requests) = (Hits, Requests);
        foreach (long key in keys)
        {
            Use(key);
        }

        return 100.0 * (Hits - hits) / (Requests - requests);
    }

    public void Dispose()
    {
        NativeMemory.Free(_metadata);
        _metadata = null;
    }

    private void Evict()
    {
        var probe = new UsedBits(_used);
        int count = _policy.Select(ref probe, _batch);
        for (int i = 0; i < count; i++)
        {
            uint number = _batch[i];
            uint history = _policy.Evicted(number);
            if (history >= 1u << TPolicy.HistoryBits)
            {
                throw new InvalidOperationException($"A history of {history} has more than {TPolicy.HistoryBits} bits.");
            }

            _histories[_keys[number]] = history;
            _numbers.Remove(_keys[number]);
            _keys[number] = Absent;
            _free.Push(number);
        }
    }

    private readonly struct UsedBits(bool[] used) : IAccessProbe
    {
        public bool TestAndClear(uint number)
        {
            bool was = used[number];
            used[number] = false;
            return was;
        }
    }
}
