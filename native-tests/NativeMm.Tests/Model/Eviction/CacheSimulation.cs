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
    private byte* _historyMemory;
    private EvictionHistory _history;

    /// <summary>Makes an empty cache.</summary>
    /// <param name="capacity">Entries.</param>
    /// <param name="batch">Victims at once.</param>
    /// <param name="insertUses">Whether an entry that came in counts as used, as a page does whose first access faults.</param>
    /// <param name="boundedHistory">Whether what left is remembered in an <see cref="EvictionHistory"/> rather than for ever.</param>
    public CacheSimulation(int capacity, int batch = 1, bool insertUses = true, bool boundedHistory = false)
    {
        if (boundedHistory)
        {
            _historyMemory = (byte*)NativeMemory.AlignedAlloc(EvictionHistory.BytesFor((uint)capacity), EvictionHistory.LineBytes);
            NativeMemory.Clear(_historyMemory, EvictionHistory.BytesFor((uint)capacity));
            _history.Attach(_historyMemory, (uint)capacity, TPolicy.HistoryBits);
        }

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
        _policy.Insert(number, Recall(key));
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
        NativeMemory.AlignedFree(_historyMemory);
        _metadata = null;
        _historyMemory = null;
    }

    private static ulong Hash(long key)
    {
        ulong x = (ulong)key + 0x9E3779B97F4A7C15;
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
        return x ^ (x >> 31);
    }

    private uint Recall(long key) => _historyMemory == null ? _histories.GetValueOrDefault(key) : _history.Take(Hash(key));

    private void Remember(long key, uint history)
    {
        if (_historyMemory == null)
        {
            _histories[key] = history;
        }
        else
        {
            _history.Put(Hash(key), history);
        }
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

            Remember(_keys[number], history);
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
