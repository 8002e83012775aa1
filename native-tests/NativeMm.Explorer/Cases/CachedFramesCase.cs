using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;
using NativeMm.Frames;
using NativeMm.Primitives;

namespace NativeMm.Explorer.Cases;

/// <summary>The free frames lie in one thread's stack, who pops and pushes, while another thread needs them and drains.</summary>
internal sealed class CachedFramesCase : Case
{
    private bool _served;

    public override string Claim => "a frame has one owner, and an allocation finds frames wherever they are, on their way or in a stack";

    public override IReadOnlyList<BadCopy> BadCopies =>
    [
        new("Magazine[M1]", Weakening.Dropped), new("CachedFrameAllocator[T0]"),
    ];

    public override Bounds Bounds => new(Preemptions: 3, StaleReads: 1);

    public override bool IsReduced => true;

    public override void Prepare(Plan plan)
    {
        var zone = new FrameFixture(hasSteps: true);
        zone.Fill(order: 1);
        var cached = new CachedFrameAllocator(zone.Frames);
        _served = false;
        plan.Thread("owner", () => Use(zone, cached), before: () =>
            {
                cached.TryAllocate(Order.Zero, FrameFlags.NoReclaim, out Pfn frame, out _);
                cached.Free(frame, Order.Zero);
            })
            .Thread("other", () => _served = Use(zone, cached))
            .AtEnd(() => Plan.Check(_served, "two frames were there for two threads, and one got none"));
    }

    private static bool Use(FrameFixture zone, CachedFrameAllocator cached)
    {
        if (!cached.TryAllocate(Order.Zero, FrameFlags.NoReclaim, out Pfn frame, out _))
        {
            return false;
        }

        zone.Use(frame, Order.Zero);
        cached.Free(frame, Order.Zero);
        return true;
    }
}
