using NativeMm.AddressSpaces;
using NativeMm.Caching;
using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;

namespace NativeMm.Explorer.Cases;

/// <summary>A thread looks a key up, twice, while its entry goes back from the next bucket into a slot of its home that became free.</summary>
internal sealed unsafe class CacheMendCase : Case
{
    private const string Early = "the entry leaves its old slot before the lookups are waited for";
    private const uint Hole = 3;

    public override string Claim => "a lookup finds an entry that gets another slot";

    public override IReadOnlyList<BadCopy> BadCopies =>
    [
        new("CacheReaders[R1]", Weakening.Dropped), new("CacheReaders[R2]", Weakening.Dropped), new(Early, Weakening.Protocol),
    ];

    public override Bounds Bounds => new(Preemptions: 3, StaleReads: 2);

    public override bool WatchesPlainMemory => false;

    public override void Prepare(Plan plan)
    {
        var cache = new CacheModel(threads: 2, buckets: 2);
        cache.Write(0);
        cache.FillHome();
        cache.Publish(0);
        CacheTable.Remove(cache.Table, Hole);
        plan.Thread("reader", () =>
            {
                AccessSlot* own = AccessSlots.Own();
                for (int i = 0; i < 2; i++)
                {
                    Plan.Check(cache.Find(own, out _, out _) != null, "the entry is not found");
                    CacheReaders.Exit(own);
                }
            }, before: () => AccessSlots.Bind(0))
            .Thread("mender", () =>
            {
                Plan.Check(CacheTable.TryFindPasser(cache.Table, Hole, [], out uint passer) && passer == CacheBucket.Slots, "nobody passed");
                CacheTable.Copy(cache.Table, passer, Hole);
                if (WrongStep != Early)
                {
                    Plan.Check(!cache.AwaitReaders(0), "nobody leases");
                }

                CacheTable.Uncopy(cache.Table, passer, Hole);
                Plan.Check(!CacheTable.IsPassed(cache.Table, Hole), "the bucket is still passed");
            }, before: () => AccessSlots.Bind(1));
    }
}
