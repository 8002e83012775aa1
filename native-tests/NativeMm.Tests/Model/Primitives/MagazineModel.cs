using NativeMm.Primitives;
using NativeMm.Tests.Unit.Primitives;
using Xunit;

namespace NativeMm.Tests.Model.Primitives;

/// <summary>
/// The naive model of a magazine: a list, the number of slots that thefts left unusable, and, while a theft is under way, how many items the
/// owner may no longer have. An owner who was refused meanwhile waits for the guard, as he does in truth.
/// </summary>
internal sealed class MagazineModel(MagazineBox box) : IDisposable
{
    private readonly MagazineBox _box = box;
    private readonly int _slots = box.Magazine.Capacity;
    private readonly List<nuint> _items = [];
    private readonly List<string> _history = [];
    private MagazineTheft _theft;
    private bool _stealing;
    private bool _waiting;
    private int _frozen;
    private int _lost;
    private int _capacity = box.Magazine.Capacity;
    private nuint _last;

    public string History => string.Join(Environment.NewLine, _history);

    public void Step(uint code)
    {
        int argument = (int)(code / 16 % (uint)(_slots + 1));
        switch (code % 16)
        {
            case < 6 when !_waiting:
                Push();
                break;
            case < 11 when !_waiting:
                Pop();
                break;
            case 11 or 12 when !_stealing:
                StealBegin();
                break;
            case 13 or 14 when _stealing:
                StealEnd();
                break;
            case 15 when !_stealing:
                Resize(argument);
                break;
        }

        Assert.Equal(_items.Count - (_waiting ? 1 : 0), _box.Magazine.Count + (_stealing ? Hidden() : 0));
    }

    /// <summary>Ends a theft that is under way and compares what is left.</summary>
    public void Dispose()
    {
        if (_stealing)
        {
            StealEnd();
        }

        Assert.Equal(_items, _box.Items());
    }

    // While a theft is under way the floor is raised, and the count knows only what lies above it.
    private int Hidden() => Math.Min(_frozen, _items.Count - (_waiting ? 1 : 0));

    private void Push()
    {
        bool fits = _lost + _items.Count < _capacity;
        _history.Add($"push {_last + 1}: {fits}");
        Assert.Equal(fits, _box.Magazine.TryPush(++_last));
        if (fits)
        {
            _items.Add(_last);
        }
    }

    private void Pop()
    {
        bool has = _items.Count > (_stealing ? _frozen : 0);
        _history.Add($"pop: {has}");
        Assert.Equal(has, _box.Magazine.TryPop(out nuint item));
        if (has)
        {
            Assert.Equal(_items[^1], item);
            _items.RemoveAt(_items.Count - 1);
        }
        else if (_stealing)
        {
            _waiting = true;
        }
        else
        {
            Refused();
        }
    }

    private void Refused()
    {
        _history.Add("refused");
        _box.Magazine.PopRefused();
        Assert.Equal(_items, _box.Magazine.Normalize().ToArray());
        _lost = 0;
        _waiting = false;
    }

    private void StealBegin()
    {
        _history.Add("steal begin");
        _theft = _box.Magazine.StealBegin();
        _stealing = true;
        _frozen = _items.Count;
    }

    private void StealEnd()
    {
        int taken = Math.Max(0, Math.Min(_waiting ? _items.Count - 1 : _items.Count, _frozen));
        _history.Add($"steal end: {taken}");
        Atomic.ProcessWideFence();
        Assert.Equal(_items.GetRange(0, taken), _box.Magazine.StealEnd(_theft).ToArray());
        _items.RemoveRange(0, taken);
        _lost += taken;
        _stealing = false;
        if (_waiting)
        {
            Refused();
        }
    }

    private void Resize(int capacity)
    {
        _history.Add($"capacity {capacity}");
        Assert.Equal(_items, _box.Magazine.Normalize().ToArray());
        _lost = 0;
        _box.Magazine.SetCapacity(capacity);
        _capacity = capacity;
    }
}
