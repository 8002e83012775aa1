using NativeMm.AddressSpaces;
using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;

namespace NativeMm.Explorer.Cases;

/// <summary>Two faults use the frame that is kept with the only permit, and somebody takes it away for good.</summary>
internal sealed class FaultPermitsCase : Case
{
    private const nuint Frame = 4096;

    public override string Claim => "a kept frame has one owner at a time, who sees what the last one wrote, and it goes once";

    public override IReadOnlyList<BadCopy> BadCopies =>
    [
        new("FaultPermits[P1]"), new("FaultPermits[P2]"), new("FaultPermits[P2]", Weakening.Dropped), new("FaultPermits[P2]", Weakening.Split),
    ];

    public override Bounds Bounds => new(Preemptions: 2, StaleReads: 1);

    public override void Prepare(Plan plan)
    {
        var permits = new FaultPermits(1);
        FaultPermit first = FaultPermit.None;
        Plan.Check(permits.TryTake(0, ref first), "the permit is free");
        first.Frame = Frame;
        permits.Return(ref first);
        var content = new Cell("frame");
        var uses = 0;
        void Use()
        {
            content.Value++;
            uses++;
        }

        void Fault()
        {
            FaultPermit permit = FaultPermit.None;
            if (permits.TryTake(0, ref permit))
            {
                if (permit.Frame != 0)
                {
                    Use();
                }

                permits.Return(ref permit);
            }
        }

        bool isTaken = false;
        plan.Thread("first fault", Fault)
            .Thread("second fault", Fault)
            .Thread("trim", () =>
            {
                if (permits.TakeKept(0) != 0)
                {
                    isTaken = true;
                    Use();
                }
            })
            .AtEnd(() =>
            {
                Plan.Check(content.Value == uses, "a use was lost");
                Plan.Check(permits.InUse == 0 && permits.KeptFrames == (isTaken ? 0 : 1), "the frame is there twice, or nowhere");
            });
    }
}
