// Purpose      a stack of words that its owner pushes and pops without any locked instruction, and that others can still empty.
//
// States       slots   _base < … ≤ _floor < … ≤ _top ≤ … ≤ _limit; the items are the slots in (_floor, _top].
//              Slot _base itself never holds an item. All zero is a valid magazine without slots: every pop and push is refused.
//
// Transitions  owner pop    _top ← _top − 1, then read _floor; above it: the item is taken. Otherwise refused, _top restored in PopRefused.
//              owner push   slot[_top + 1] ← item, then _top ← _top + 1; refused at _limit.
//              thief        under the guard: StealBegin raises _floor to what it sees of _top; Atomic.ProcessWideFence; StealEnd reads _top
//                           again and takes (old floor, min of both tops], and lowers _floor to the end of what it took.
//              owner reset  under the guard: Normalize moves the items down to _base.
//
// Ownership    field  | who writes            | who reads     | how
//              _top   | owner                 | owner, thief  | release store [M1], acquire load [M4]
//              _floor | guard holder          | owner         | release store [M3], acquire load [M2]
//              _limit | owner under guard     | owner         | plain
//              slots  | owner                 | owner, thief  | plain, published by [M1]
//              The guard is a lock of the structure that holds the magazine; the owner takes it only off the hit path.
//
// Ordering     Owner pop stores _top [M1] and then loads _floor [M2]; the thief stores _floor [M3] and then loads _top [M4]. Of two such
//              pairs at least one side must see the other's store, which needs a store-load fence on both. The owner's half is free: the
//              thief's ProcessWideFence between [M3] and [M4] runs a full fence on every core that runs a thread of the process. So a pop
//              whose [M2] came before that fence has its [M1] seen by [M4], and the thief leaves the item alone; a pop whose [M2] comes
//              after it sees the raised floor and is refused. On arm64 [M1] and [M2] are stlr and ldar, which the architecture keeps in
//              order by themselves; on x64 the fence is what makes it true.
//
// Reuse        an item popped and another pushed into the same slot between [M3] and [M4] leaves _top as it was: the thief then takes the
//              item that lies there after the fence, which is a present one. Values of _top are compared by position only.
//
// Progress     push and pop are wait-free for the owner until refused. A stalled thief delays only owners that were refused.
//
// Source       the owner/thief protocol of work-stealing deques (Frigo, Leiserson, Randall 1998, "THE"), magazines from Bonwick and Adams
//              2001. Departure: whole-content theft with one asymmetric fence for many magazines at once.

using System.Runtime.CompilerServices;

namespace NativeMm.Primitives;

/// <summary>
/// A bounded stack of words for one owner thread, which other threads may empty. Lives in unmanaged memory and is never copied.
/// </summary>
internal unsafe struct Magazine
{
    /// <summary>Bytes of one magazine, without its slots.</summary>
    public const int Bytes = 32;

    // Owner: the thread that pushes and pops.
    private nuint _top;
    private nuint _limit;

    // Owner: whoever holds the guard.
    private nuint _floor;
    private nuint _base;

    /// <summary>Bytes of slot memory that a magazine for that many items needs.</summary>
    public static nuint SlotBytes(int capacity) => (nuint)(capacity + 1) * (nuint)sizeof(nuint);

    /// <summary>Whether slots have been attached.</summary>
    public readonly bool HasSlots => _base != 0;

    /// <summary>Items at this moment; exact for the owner and at rest, otherwise approximate, because a stale top is only off by a few.</summary>
    public readonly int Count
    {
        get
        {
            nint bytes = (nint)(Atomic.LoadAcquire(in _top) - Atomic.LoadAcquire(in _floor));
            return bytes <= 0 ? 0 : (int)(bytes / sizeof(nuint));
        }
    }

    /// <summary>Position of the top, to see whether anything moved since the last look; only for comparison.</summary>
    public readonly nuint Position => Atomic.LoadAcquire(in _top);

    /// <summary>Most items that fit.</summary>
    public readonly int Capacity => (int)((_limit - _base) / (nuint)sizeof(nuint));

    /// <summary>Gives an empty magazine its slots. Owner, under the guard.</summary>
    /// <param name="slots">Memory of <see cref="SlotBytes"/> bytes.</param>
    /// <param name="capacity">Most items that fit, at least 1.</param>
    public void Attach(void* slots, int capacity)
    {
        _base = (nuint)slots;
        _limit = (nuint)slots + ((nuint)capacity * (nuint)sizeof(nuint));
        Atomic.StoreRelease(ref _floor, _base);
        Atomic.StoreRelease(ref _top, _base);
    }

    /// <summary>
    /// Takes the newest item. Owner only. After a refusal the owner must call <see cref="PopRefused"/> before anything else.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryPop(out nuint item) => TryPop<NoPause>(out item);

    /// <inheritdoc cref="TryPop(out nuint)"/>
    /// <typeparam name="TPause">Where a race test holds the owner.</typeparam>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryPop<TPause>(out nuint item)
        where TPause : struct, IPausePoint
    {
        nuint top = _top;
        Atomic.StoreRelease(ref _top, top - (nuint)sizeof(nuint)); // [M1] pairs with [M4]
        TPause.Reach("pop: top lowered, floor not read");
        if (top > Atomic.LoadAcquire(in _floor)) // [M2] pairs with [M3]
        {
            TPause.Reach("pop: floor read, item not read");
            item = *(nuint*)top;
            return true;
        }

        item = 0;
        return false;
    }

    /// <summary>Undoes a refused pop. Owner, under the guard.</summary>
    public void PopRefused() => Atomic.StoreRelease(ref _top, _top + (nuint)sizeof(nuint));

    /// <summary>Adds an item on top. Owner only. Says false when it is full, and then nothing has changed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryPush(nuint item)
    {
        nuint top = _top + (nuint)sizeof(nuint);
        if (top > _limit)
        {
            return false;
        }

        *(nuint*)top = item;
        Atomic.StoreRelease(ref _top, top); // [M1] pairs with [M4]
        return true;
    }

    /// <summary>Moves the items down so that all free slots lie above them, and gives them oldest first. Owner, under the guard.</summary>
    public Span<nuint> Normalize()
    {
        int count = Count;
        if (_floor != _base)
        {
            new Span<nuint>((nuint*)_floor + 1, count).CopyTo(new Span<nuint>((nuint*)_base + 1, count));
            SetItems(count);
        }

        return new Span<nuint>((nuint*)_base + 1, count);
    }

    /// <summary>All slots, oldest first, to be filled before <see cref="SetItems"/>. Owner, under the guard, after <see cref="Normalize"/>.</summary>
    public readonly Span<nuint> Slots => new((nuint*)_base + 1, Capacity);

    /// <summary>Declares how many of the <see cref="Slots"/> hold items. Owner, under the guard.</summary>
    public void SetItems(int count)
    {
        Atomic.StoreRelease(ref _floor, _base);
        Atomic.StoreRelease(ref _top, _base + ((nuint)count * (nuint)sizeof(nuint)));
    }

    /// <summary>
    /// First half of a theft: forbids the owner everything that lies in the magazine now. Under the guard; a
    /// <see cref="Atomic.ProcessWideFence"/> must follow before <see cref="StealEnd"/>.
    /// </summary>
    public MagazineTheft StealBegin()
    {
        nuint floor = _floor;
        nuint top = Atomic.LoadAcquire(in _top);
        if (top > floor)
        {
            Atomic.StoreRelease(ref _floor, top); // [M3] pairs with [M2]
        }

        return new MagazineTheft(floor, Math.Max(top, floor));
    }

    /// <summary>
    /// Second half of a theft: the items that the owner had not taken before the fence. They belong to the caller; copy them before the
    /// guard is given up.
    /// </summary>
    public ReadOnlySpan<nuint> StealEnd(MagazineTheft theft)
    {
        nuint top = Atomic.LoadAcquire(in _top); // [M4] pairs with [M1]
        nuint end = Math.Max(theft.Floor, Math.Min(top, theft.Top));
        if (theft.Top != theft.Floor)
        {
            Atomic.StoreRelease(ref _floor, end);
        }

        return new ReadOnlySpan<nuint>((nuint*)theft.Floor + 1, (int)((end - theft.Floor) / (nuint)sizeof(nuint)));
    }

    /// <summary>Forgets slots and items. Nobody may use the magazine at the same time.</summary>
    public void Detach()
    {
        _base = 0;
        _limit = 0;
        Atomic.StoreRelease(ref _floor, 0);
        Atomic.StoreRelease(ref _top, 0);
    }
}
