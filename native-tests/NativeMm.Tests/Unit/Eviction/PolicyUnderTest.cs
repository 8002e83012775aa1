namespace NativeMm.Tests.Unit.Eviction;

/// <summary>A policy of some type over a few items.</summary>
internal abstract class PolicyUnderTest : IDisposable
{
    public const uint Items = 64;

    public abstract int ItemBytes { get; }

    public abstract int HistoryBits { get; }

    /// <summary>Which items were used since the policy asked.</summary>
    public bool[] Used { get; } = new bool[Items];

    public abstract void Insert(uint number, uint history);

    public abstract void Remove(uint number);

    public abstract void Move(uint from, uint to);

    public abstract uint[] Select(int count, Func<uint, bool> testAndClear);

    public abstract uint Evicted(uint number);

    public abstract void PutBack(uint number);

    public abstract void Resize(uint capacity);

    public abstract uint Count();

    public abstract void Dispose();

    public bool TestAndClear(uint number)
    {
        bool was = Used[number];
        Used[number] = false;
        return was;
    }
}
