using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;
using NativeMm.Primitives;

namespace NativeMm.Explorer.Cases;

/// <summary>The owner pops and pushes; a thief empties the magazine meanwhile, as a trim pass does.</summary>
internal unsafe class MagazineCase : Case
{
    private const int Items = 4;
    private readonly int[] _holders = new int[Items + 1];
    private SpinLock<NoLockStatistics> _guard;
    private readonly int _pops;
    private Magazine _magazine;

    public MagazineCase()
        : this(1)
    {
    }

    protected MagazineCase(int pops) => _pops = pops;

    public override string Claim => "no item is handed out twice, none is lost, and an item's bytes arrive with it";

    public override IReadOnlyList<BadCopy> BadCopies =>
    [
        new("Magazine[M1]"), new("Magazine[M1]", Weakening.Dropped), new("Magazine[M3]", Weakening.Dropped), new("Magazine[M4]"), new("NativeHeap[M5]"),
    ];

    public override Bounds Bounds => new(Preemptions: 3, StaleReads: 3);

    public override void Prepare(Plan plan)
    {
        Array.Clear(_holders);
        _guard = default;
        void* rack = Arena.Take(Magazine.RackBytes);
        _magazine = Magazine.At(rack, 3);
        _magazine.Attach(Arena.Take(Magazine.SlotBytes(Items)), Items);
        _magazine.SetItems(2);
        _magazine.Slots(Items)[0] = 1;
        _magazine.Slots(Items)[1] = 2;
        var bytes = new Cell("bytes of item 3", isStep: true);
        plan.Thread("owner", () =>
            {
                Pop();
                bytes.Value = 3;
                Push(3);
                if (_pops > 1)
                {
                    Pop();
                    Pop();
                }
            })
            .Thread("thief", () =>
            {
                _guard.Enter();
                MagazineTheft theft = _magazine.StealBegin();
                CaseAtomics.ProcessWideFence("NativeHeap[M5]");
                foreach (nuint item in _magazine.StealEnd(theft))
                {
                    Plan.Check(item != 3 || bytes.Value == 3, "item 3 came without its bytes");
                    Take(item);
                }

                _guard.Exit();
            })
            .AtEnd(() =>
            {
                List<nuint> left = [];
                _magazine.CopyTo(left);
                foreach (nuint item in left)
                {
                    Take(item);
                }

                Plan.Check(_holders[1] == 1 && _holders[2] == 1 && _holders[3] == 1, $"items were taken {_holders[1]}, {_holders[2]} and {_holders[3]} times");
            });
    }

    private void Pop()
    {
        if (_magazine.TryPop(out nuint item))
        {
            Take(item);
            return;
        }

        _guard.Enter();
        _magazine.PopRefused();
        _guard.Exit();
    }

    private void Push(nuint item)
    {
        if (!_magazine.TryPush(item))
        {
            _guard.Enter();
            _magazine.Normalize();
            Plan.Check(_magazine.TryPush(item), "no room after the items were moved down");
            _guard.Exit();
        }
    }

    private void Take(nuint item)
    {
        Plan.Check(item is >= 1 and <= 3, $"{item} is no item");
        Plan.Check(++_holders[item] == 1, $"item {item} was handed out twice");
    }
}
