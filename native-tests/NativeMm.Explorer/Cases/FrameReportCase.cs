using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;
using NativeMm.Frames;
using NativeMm.Primitives;

namespace NativeMm.Explorer.Cases;

/// <summary>A reporter takes the only free granule out, the system takes its pages, and it comes back; somebody takes and frees frames of it.</summary>
internal class FrameReportCase : Case
{
    private readonly Order _order;

    public FrameReportCase()
        : this(Order.Zero)
    {
    }

    protected FrameReportCase(Order order) => _order = order;

    public override string Claim => "what is known to be zero is zero, nobody meets an isolated block, and a free beside it is counted";

    public override IReadOnlyList<BadCopy> BadCopies =>
    [
        new("LockFreeFrameAllocator[A4]", Weakening.Dropped), new("LockFreeFrameAllocator[A8]", Weakening.Dropped),
        new("LockFreeFrameAllocator[A13]", Weakening.Dropped),
    ];

    public override Bounds Bounds => new(Preemptions: 3, StaleReads: 1);

    public override void Prepare(Plan plan)
    {
        var zone = new FrameFixture();
        var granule = new Order(LockFreeFrameAllocator.GranuleOrder);
        zone.Fill(granule.Value);
        plan.Thread("reporter", () =>
            {
                Span<Pfn> blocks = stackalloc Pfn[1];
                uint cursor = 0;
                if (zone.Frames.Isolate(granule, blocks, ref cursor) == 1)
                {
                    zone.Discard(blocks[0], granule);
                    zone.Frames.PutBack(blocks, granule, FrameContent.ReportedZero);
                }
            })
            .Thread("user", () =>
            {
                zone.TryUse(_order);
                zone.TryUse(_order);
            })
            .AtEnd(() =>
            {
                zone.Frames.Validate();
                Plan.Check(zone.Frames.GetStatistics() is { FreeFrames: 16, IsolatedFrames: 0 }, "all was free and must be again");
            });
    }
}
