using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;
using NativeMm.Frames;
using NativeMm.Primitives;
using NativeMm.Zsmalloc;

namespace NativeMm.Explorer.Cases;

/// <summary>Two zspages that are half full are compacted into one while a reader reads; the frame that comes free is used by somebody else.</summary>
internal sealed class ZsCompactCase : Case
{
    public override string Claim => "an object is where its cell says, and a zspage goes only when nobody reads in it";

    public override IReadOnlyList<BadCopy> BadCopies =>
    [
        new("ZsAllocator[A1]", Weakening.Dropped), new("ZsAllocator[A2]", Weakening.Dropped), new("ZsAllocator[A3]", Weakening.Dropped), new("Zspage[Z2]", Weakening.Dropped),
    ];

    public override Bounds Bounds => new(Preemptions: 3, StaleReads: 1);

    public override void Prepare(Plan plan)
    {
        var pool = new ZsFixture();
        ZsHandle[] all = [pool.Make(1), pool.Make(2), pool.Make(3), pool.Make(4)];
        pool.Pool.Free(all[1]);
        pool.Pool.Free(all[2]);
        plan.Thread("reader", () =>
            {
                pool.Read(all[3], 4);
                pool.Read(all[0], 1);
            })
            .Thread("compactor", () =>
            {
                if (pool.Pool.Compact() != 0 && pool.Zone.Frames.TryAllocate(Order.Zero, FrameFlags.NoReclaim, out Pfn frame, out _))
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
