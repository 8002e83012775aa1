using NativeMm.AddressSpaces;
using NativeMm.Caching;
using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;

namespace NativeMm.Explorer.Cases;

/// <summary>A thread looks a key up and keeps a lease, while another removes the key and uses the memory again unless it is leased.</summary>
internal sealed unsafe class CacheLeaseCase : Case
{
    private const string Late = "the lease begins when the lookup has ended";
    private const string Early = "the leases are looked at before the entry is taken out";

    public override string Claim => "a record that is leased holds what was set until the lease ends";

    public override IReadOnlyList<BadCopy> BadCopies =>
    [
        new("CacheReaders[R2]", Weakening.Dropped), new("CacheReaders[R3]"), new("CacheReaders[R4]", Weakening.Dropped), new("HazardAccess[H3]"),
        new(Late, Weakening.Protocol), new(Early, Weakening.Protocol),
    ];

    public override Bounds Bounds => new(Preemptions: 3, StaleReads: 2);

    public override bool WatchesPlainMemory => false;

    public override void Prepare(Plan plan)
    {
        var cache = new CacheModel(threads: 2);
        cache.Write(0);
        cache.Publish(0);
        var value = new Cell("value", 1, isStep: true);
        plan.Thread("reader", () => Read(cache, value), before: () => AccessSlots.Bind(0))
            .Thread("remover", () =>
            {
                bool early = WrongStep == Early && !cache.AwaitReaders(0);
                CacheTable.Remove(cache.Table, 0);
                if (early || (WrongStep != Early && !cache.AwaitReaders(0)))
                {
                    value.Value = 2;
                }
            }, before: () => AccessSlots.Bind(1));
    }

    private void Read(CacheModel cache, Cell value)
    {
        AccessSlot* own = AccessSlots.Own();
        byte* record = cache.Find(own, out _, out _);
        if (record == null)
        {
            CacheReaders.Exit(own);
            return;
        }

        if (WrongStep == Late)
        {
            CacheReaders.Exit(own);
        }

        CacheReaders.ExitLeased(own, &own->Lease0, cache.Readers.LeaseOf(record));
        Plan.Check(value.Value == 1, "the record holds something else");
        HazardAccess.End(ref own->Lease0);
    }
}
