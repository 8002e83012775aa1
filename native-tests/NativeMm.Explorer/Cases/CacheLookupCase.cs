using NativeMm.AddressSpaces;
using NativeMm.Caching;
using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;

namespace NativeMm.Explorer.Cases;

/// <summary>A thread looks a key up, twice, while another removes it, waits, writes another value into the same memory, and sets the key again.</summary>
internal sealed unsafe class CacheLookupCase : Case
{
    private const string Early = "the memory is used again before the lookups are waited for";

    public override string Claim => "a record that a lookup found holds what was set until the lookup ends";

    public override IReadOnlyList<BadCopy> BadCopies =>
    [
        new("CacheReaders[R1]", Weakening.Dropped), new("CacheReaders[R2]", Weakening.Dropped), new("CacheReaders[R3]"), new("CacheTable[K1]"),
        new("CacheTable[K2]"), new(Early, Weakening.Protocol),
    ];

    public override Bounds Bounds => new(Preemptions: 3, StaleReads: 2);

    public override bool WatchesPlainMemory => false;

    public override void Prepare(Plan plan)
    {
        var cache = new CacheModel(threads: 2);
        cache.Write(0);
        cache.Publish(0);
        var value = new Cell("value", 1, isStep: true);
        plan.Thread("reader", () =>
            {
                AccessSlot* own = AccessSlots.Own();
                for (int i = 0; i < 2; i++)
                {
                    if (cache.Find(own, out _, out _) != null)
                    {
                        Plan.Check(value.Value is 1 or 2, "the record holds something else");
                    }

                    CacheReaders.Exit(own);
                }
            }, before: () => AccessSlots.Bind(0))
            .Thread("writer", () =>
            {
                CacheTable.Remove(cache.Table, 0);
                if (WrongStep != Early)
                {
                    Plan.Check(!cache.AwaitReaders(0), "nobody leases");
                }

                value.Value = 2;
                cache.Publish(0);
            }, before: () => AccessSlots.Bind(1));
    }
}
