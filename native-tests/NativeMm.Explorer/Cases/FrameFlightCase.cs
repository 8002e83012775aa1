using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;
using NativeMm.Frames;
using NativeMm.Primitives;

namespace NativeMm.Explorer.Cases;

/// <summary>The last free frame is isolated and comes back while somebody allocates it.</summary>
internal sealed class FrameFlightCase : Case
{
    private bool _served;

    public override string Claim => "an allocation does not fail because the only block was isolated for a moment";

    public override IReadOnlyList<BadCopy> BadCopies =>
    [
        new("LockFreeFrameAllocator[A10]", Weakening.Dropped), new("LockFreeFrameAllocator[A12]"),
    ];

    public override Bounds Bounds => new(Preemptions: 3, StaleReads: 1);

    public override bool IsReduced => true;

    public override void Prepare(Plan plan)
    {
        var zone = new FrameFixture();
        zone.Fill(order: 0);
        zone.Frames.AddShrinker(new IdleShrinker());
        _served = false;
        plan.Thread("allocation", () => _served = zone.Frames.TryAllocate(Order.Zero, FrameFlags.None, out _, out _))
            .Thread("reporter", () =>
            {
                Span<Pfn> blocks = stackalloc Pfn[1];
                uint cursor = 0;
                if (zone.Frames.Isolate(Order.Zero, blocks, ref cursor) == 1)
                {
                    zone.Frames.PutBack(blocks, Order.Zero, FrameContent.Unknown);
                }
            })
            .AtEnd(() => Plan.Check(_served, "a frame was free or on its way back all the time, and the allocation failed"));
    }

    /// <summary>Gives nothing, and after a few calls lets the reporter go on: an allocation makes a bounded number of rounds.</summary>
    private sealed class IdleShrinker : IShrinker
    {
        private const int CallsAtOnce = 2;
        private int _calls;

        public ulong Shrink(ulong framesWanted)
        {
            if (++_calls > CallsAtOnce)
            {
                CaseAtomics.Yield();
            }

            return 0;
        }
    }
}
