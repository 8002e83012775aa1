using NativeMm.AddressSpaces;
using NativeMm.Caching;
using NativeMm.Eviction;
using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;
using NativeMm.Primitives;

namespace NativeMm.Explorer.Cases;

/// <summary>A thread looks a key up, twice, while the shard moves to another index and the old one goes.</summary>
internal sealed unsafe class CacheIndexCase : Case
{
    private const int SegmentBytes = 32 << 10;
    private const uint Buckets = 2;

    public override string Claim => "a lookup finds what is there in the old index or in the new one, and no index goes under it";

    public override IReadOnlyList<BadCopy> BadCopies =>
    [
        new("CacheShard[K2]"), new("CacheReaders[K1]"), new("CacheReaders[R1]", Weakening.Dropped), new("CacheReaders[R2]", Weakening.Dropped),
        new("CacheReaders[R3]"),
    ];

    public override Bounds Bounds => new(Preemptions: 3, StaleReads: 1);

    public override bool WatchesPlainMemory => false;

    public override void Prepare(Plan plan)
    {
        AccessSlots.Lend((AccessSlot*)Arena.Take(2 * AccessSlot.Bytes), 2);
        var readers = new CacheReaders(AccessSlots.NextSpaceKey());
        var budget = new CacheBudget(1 << 20);
        var space = new CacheSpace(new FrameFixture().Frames, null!, budget, SegmentBytes);
        nuint* root = (nuint*)Arena.Take((nuint)sizeof(nuint));
        var hash = new CacheHash(0x1234_5678_9ABC_DEF0, 0xB5AD_4ECE_DA1C_E2A9);
        CacheTable* first = Make(Buckets, space);
        var shard = new CacheShard<ReuseClockPolicy>(root, first, space, readers, budget, hash, new NativeCacheOptions());
        Set(shard, hash);
        CacheTable* second = Make(2 * Buckets, space);
        var old = new Cell("old index", 1, isStep: true);
        plan.Thread("reader", () =>
            {
                AccessSlot* own = AccessSlots.Own();
                ulong key = hash.Of("k"u8);
                for (int i = 0; i < 2; i++)
                {
                    CacheTable* table = readers.Enter(own, ref *root);
                    Plan.Check(table == second || old.Value == 1, "the index is gone");
                    Plan.Check(CacheTable.Find(table, key, "k"u8, out _, out _) != null, "the entry is not found");
                    Plan.Check(table == second || old.Value == 1, "the index went under a lookup");
                    CacheReaders.Exit(own);
                }
            }, before: () => AccessSlots.Bind(0))
            .Thread("grower", () =>
            {
                shard.Lock.Enter();
                CacheTable* unused = shard.Grow(second);
                shard.Lock.Exit();
                Plan.Check(unused == first, "the index did not grow");
                old.Value = 0;
            }, before: () => AccessSlots.Bind(1));
    }

    private static CacheTable* Make(uint buckets, CacheSpace space)
    {
        int policyBytes = ReuseClockPolicy.ItemBytes;
        return CacheTable.Make(Arena.Take((nuint)CacheTable.BytesOf(buckets, policyBytes)), buckets, policyBytes, charge: 0, space.Segments);
    }

    private static void Set(CacheShard<ReuseClockPolicy> shard, CacheHash hash)
    {
        var times = new CacheTimes(CacheTimes.Never, CacheTimes.Never, 0);
        var item = new CacheItem { Hash = hash.Of("k"u8), Key = "k"u8, Stored = "v"u8, Length = 1, Times = times, Priority = CachePriority.Normal };
        Plan.Check(shard.Set(item) == CacheOutcome.Done, "an entry for the preparation");
    }
}
