using System.Runtime.InteropServices;
using NativeMm.Eviction;

namespace NativeMm.Tests.Unit.Eviction;

/// <inheritdoc/>
internal sealed unsafe class PolicyUnderTest<TPolicy> : PolicyUnderTest
    where TPolicy : struct, IReplacementPolicy
{
    private readonly byte* _metadata = (byte*)NativeMemory.AllocZeroed((nuint)(Items * TPolicy.ItemBytes));
    private TPolicy _policy;

    public PolicyUnderTest()
    {
        _policy.Attach(_metadata, Items, Items);
    }

    public ref TPolicy Policy => ref _policy;

    public override int ItemBytes => TPolicy.ItemBytes;

    public override int HistoryBits => TPolicy.HistoryBits;

    public override void Insert(uint number, uint history) => _policy.Insert(number, history);

    public override void Remove(uint number) => _policy.Remove(number);

    public override void Move(uint from, uint to) => _policy.Move(from, to);

    public override uint[] Select(int count, Func<uint, bool> testAndClear)
    {
        uint[] victims = new uint[count];
        var probe = new Probe(testAndClear);
        return victims[.._policy.Select(ref probe, victims)];
    }

    public override uint Evicted(uint number) => _policy.Evicted(number);

    public override void PutBack(uint number) => _policy.PutBack(number);

    public override void Resize(uint capacity) => _policy.Resize(capacity);

    public override uint Count() => _policy.Count();

    public override void Dispose() => NativeMemory.Free(_metadata);

    private readonly struct Probe(Func<uint, bool> testAndClear) : IAccessProbe
    {
        public bool TestAndClear(uint number) => testAndClear(number);
    }
}
