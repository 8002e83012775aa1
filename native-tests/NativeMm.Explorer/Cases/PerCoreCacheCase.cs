using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;
using NativeMm.Primitives;

namespace NativeMm.Explorer.Cases;

/// <summary>Three threads take an item, work with it and give it back.</summary>
internal sealed class PerCoreCacheCase : Case
{
    public override string Claim => "an item is one thread's at a time, and each sees what the last user left in it";

    public override IReadOnlyList<BadCopy> BadCopies => [new("PerCoreCache[C1]"), new("PerCoreCache[C2]"), new("PerCoreCache[C2]", Weakening.Split)];

    public override void Prepare(Plan plan)
    {
        int made = 0;
        var cache = new PerCoreCache<Cell>(() => new Cell($"item {made++}"));
        cache.Return(new Cell("first item"));
        void Use()
        {
            Cell item = cache.Take();
            item.Value++;
            cache.Return(item);
        }

        plan.Thread("first", Use).Thread("second", Use).Thread("third", Use);
    }
}
