using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;
using NativeMm.Primitives;

namespace NativeMm.Explorer.Cases;

/// <summary>A reader follows a link inside the domain; a writer unlinks, retires and reclaims.</summary>
internal sealed class EpochDomainCase : Case
{
    private EpochDomain _domain = new();
    private object? _link;

    public override string Claim => "nothing is reclaimed while a reader may hold it";

    public override IReadOnlyList<BadCopy> BadCopies =>
    [
        new("EpochParticipant[E1]"), new("EpochDomain[E2]"), new("EpochParticipant[E3]"),
    ];

    public override Bounds Bounds => new(Preemptions: 2, StaleReads: 2);

    public override void Prepare(Plan plan)
    {
        _domain = new EpochDomain();
        var item = new Cell("item", 1);
        _link = item;
        plan.Thread("reader", () =>
            {
                using EpochGuard guard = _domain.Enter();
                if (CaseAtomics.LoadAcquire(ref _link) is Cell found)
                {
                    Plan.Check(found.Value == 1, "the reader holds what was reclaimed");
                }
            }, before: Register)
            .Thread("writer", () =>
            {
                CaseAtomics.StoreRelease(ref _link, null);
                _domain.Retire(static (target, _) => ((Cell)target!).Value = 0, item, 0);
            }, before: Register)
            .Thread("helper", () =>
            {
                for (int i = 0; i < 3; i++)
                {
                    _domain.Reclaim();
                }
            });
    }

    private void Register() => _domain.Enter().Dispose();
}
