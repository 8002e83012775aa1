using NativeMm.Caching;
using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;

namespace NativeMm.Explorer.Cases;

/// <summary>Two threads charge bytes, of which the limit has room for one, and give them back; a third gives back what it had.</summary>
internal sealed class CacheBudgetCase : Case
{
    private const long Bytes = 10;
    private const string Unchecked = "what is charged is not compared with the limit";

    public override string Claim => "what is charged never passes the limit, and what is given back is there again";

    public override IReadOnlyList<BadCopy> BadCopies =>
    [
        new("CacheBudget[B1]", Weakening.Split), new("CacheBudget[B1]", Weakening.Dropped), new("CacheBudget[B2]", Weakening.Split),
        new("CacheBudget[B2]", Weakening.Dropped), new(Unchecked, Weakening.Protocol),
    ];

    public override Bounds Bounds => new(Preemptions: 3, StaleReads: 1);

    public override void Prepare(Plan plan)
    {
        var budget = new CacheBudget(2 * Bytes);
        budget.TryCharge(Bytes);
        int held = 1;
        void Charge()
        {
            if (WrongStep == Unchecked)
            {
                budget.Release(-Bytes);
            }
            else if (!budget.TryCharge(Bytes))
            {
                return;
            }

            Plan.Check(++held <= 2, "more is held than the limit allows");
            held--;
            budget.Release(Bytes);
        }

        plan.Thread("first", Charge).Thread("second", Charge)
            .Thread("third", () =>
            {
                held--;
                budget.Release(Bytes);
            })
            .Always(() => Plan.Check(budget.Used is >= 0 and <= 2 * Bytes, $"{budget.Used} bytes are charged"))
            .AtEnd(() => Plan.Check(budget.Used == 0 && held == 0, $"{budget.Used} bytes are left"));
    }
}
