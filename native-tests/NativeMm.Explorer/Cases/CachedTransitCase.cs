using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;
using NativeMm.Frames;
using NativeMm.Primitives;

namespace NativeMm.Explorer.Cases;

/// <summary>Two threads allocate from four frames, of which each takes all into its stack; and each takes them out of the other's.</summary>
internal sealed class CachedTransitCase : Case
{
    private int _served;

    public override string Claim => "an allocation does not fail while frames are on their way between two places";

    public override IReadOnlyList<BadCopy> BadCopies =>
    [
        new("CachedFrameAllocator[T2]", Weakening.Dropped),
    ];

    public override Bounds Bounds => new(Preemptions: 3, StaleReads: 1);

    public override bool IsReduced => true;

    public override void Prepare(Plan plan)
    {
        var zone = new FrameFixture();
        zone.Fill(order: 2);
        var cached = new CachedFrameAllocator(zone.Frames);
        _served = 0;
        void Take()
        {
            if (cached.TryAllocate(Order.Zero, FrameFlags.NoReclaim, out Pfn frame, out _))
            {
                zone.Use(frame, Order.Zero);
                _served++;
            }
        }

        plan.Thread("first", Take).Thread("second", Take)
            .AtEnd(() => Plan.Check(_served == 2, $"four frames were there for two threads, and {_served} got one"));
    }
}
