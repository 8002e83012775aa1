using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;
using NativeMm.Primitives;
using NativeMm.Zsmalloc;

namespace NativeMm.Explorer.Cases;

/// <summary>A frame of the pool is moved to another one, and used by somebody else, while a reader reads.</summary>
internal sealed class ZsMigrateCase : Case
{
    public override string Claim => "a reader keeps the frame that it reads, and finds its object wherever that is";

    public override IReadOnlyList<BadCopy> BadCopies =>
    [
        new("ZsAllocator[A1]", Weakening.Dropped), new("Zspage[Z1]", Weakening.Split), new("Zspage[Z2]", Weakening.Dropped),
    ];

    public override Bounds Bounds => new(Preemptions: 3, StaleReads: 1);

    public override void Prepare(Plan plan)
    {
        var pool = new ZsFixture();
        ZsHandle handle = pool.Make(7);
        Pfn frame = pool.FrameOf(handle);
        Pfn target = pool.Zone.Allocate(Order.Zero);
        plan.Thread("reader", () =>
            {
                pool.Read(handle, 7);
                pool.Read(handle, 7);
            })
            .Thread("migration", () =>
            {
                if (pool.Pool.Engine.TryMigrate(frame, target))
                {
                    pool.Scribble(frame);
                }
            })
            .AtEnd(() =>
            {
                pool.Pool.Validate();
                pool.Pool.Dispose();
            });
    }
}
