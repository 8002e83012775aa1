using NativeMm.AddressSpaces;
using NativeMm.Caching;
using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;
using NativeMm.Primitives;

namespace NativeMm.Explorer.Cases;

/// <summary>A lookup renews the deadline of a record that slides, while another thread moves the record.</summary>
internal sealed unsafe class CacheRenewalCase : Case
{
    private const long Sliding = 100;
    private const long Now = 50;
    private const string Unseen = "the move does not look at the old place again";

    public override string Claim => "a renewal is not lost to a move";

    public override IReadOnlyList<BadCopy> BadCopies =>
        [new("CacheRenewal[V1]", Weakening.Dropped), new("CacheRenewal[V2]", Weakening.Dropped), new(Unseen, Weakening.Protocol)];

    public override Bounds Bounds => new(Preemptions: 3, StaleReads: 2);

    public override bool WatchesPlainMemory => false;

    public override void Prepare(Plan plan)
    {
        var cache = new CacheModel(threads: 2);
        cache.Write(0, Sliding);
        cache.Publish(0, expires: true);
        plan.Thread("lookup", () =>
            {
                AccessSlot* own = AccessSlots.Own();
                bool isDone;
                do
                {
                    byte* record = cache.Find(own, out CacheBucket* bucket, out uint slot);
                    Plan.Check(record != null, "the entry is not found");
                    isDone = CacheRenewal.TryRenew(cache.Table, bucket, slot, record, Now);
                    CacheReaders.Exit(own);
                }
                while (!isDone);
            }, before: () => AccessSlots.Bind(0))
            .Thread("mover", () => Move(cache), before: () => AccessSlots.Bind(1))
            .AtEnd(() => Plan.Check(CacheRecord.DeadlineOf(cache.RecordAt(1)) == Now + Sliding, "the renewal is lost"));
    }

    private void Move(CacheModel cache)
    {
        byte* old = cache.RecordAt(0);
        byte* moved = cache.RecordAt(1);
        CacheRecord.Copy(old, moved, CacheRecord.At(old).Units);
        ref ulong word = ref CacheTable.WordAt(cache.Table, 0);
        Atomic.StoreRelease(ref word, new CacheSlot(word).At(CacheModel.Location(1)).Word);
        if (WrongStep != Unseen)
        {
            CacheRenewal.Carry(old, moved);
        }
    }
}
