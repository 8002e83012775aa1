// Purpose      a stack of words that its owner pushes and pops without any locked instruction, and that others can still empty.
//
// States       four words: top, floor, limit, base; slots base < … ≤ floor < … ≤ top ≤ … ≤ limit; the items are the slots in (floor, top].
//              Slot base itself never holds an item. All zero is a valid magazine without slots: every pop and push is refused.
//
// Transitions  owner pop    top ← top − 1, then read floor; above it: the item is taken. Otherwise refused, top restored in PopRefused.
//              owner push   slot[top + 1] ← item, then top ← top + 1; refused at limit.
//              thief        under the guard: StealBegin raises floor to what it sees of top; [M5] Atomic.ProcessWideFence; StealEnd reads top
//                           again and takes (old floor, min of both tops], and lowers floor to the end of what it took.
//              owner reset  under the guard: Normalize moves the items down to base.
//
// Ownership    field  | who writes            | who reads     | how
//              top   | owner                 | owner, thief  | release store [M1], acquire load [M4]
//              floor | guard holder          | owner         | release store [M3], acquire load [M2]
//              limit | owner under guard     | owner         | plain
//              slots  | owner                 | owner, thief  | plain, published by [M1]
//              The guard is a lock of the structure that holds the magazine; the owner takes it only off the hit path.
//
// Ordering     Owner pop stores top [M1] and then loads floor [M2]; the thief stores floor [M3] and then loads top [M4]. Of two such
//              pairs at least one side must see the other's store, which needs a store-load fence on both. The owner's half is free: the
//              thief's ProcessWideFence between [M3] and [M4] runs a full fence on every core that runs a thread of the process. So a pop
//              whose [M2] came before that fence has its [M1] seen by [M4], and the thief leaves the item alone; a pop whose [M2] comes
//              after it sees the raised floor and is refused. Neither x64 nor arm64 orders [M1] before [M2] by itself: x64 buffers the
//              store, and the acquire load of arm64 may be an ldapr, which does not wait for an earlier stlr. The fence does it on both.
//
// Layout       magazines come in racks: the tops of all of them side by side, then their floors, limits and bases. One index reaches all four
//              words with a scaled address, and the tops of many small stacks share few cache lines.
//
// Reuse        an item popped and another pushed into the same slot between [M3] and [M4] leaves top as it was: the thief then takes the
//              item that lies there after the fence, which is a present one. Values of top are compared by position only.
//
// Progress     push and pop are wait-free for the owner until refused. A stalled thief delays only owners that were refused.
//
// Source       the owner/thief protocol of work-stealing deques (Frigo, Leiserson, Randall 1998, "THE"), magazines from Bonwick and Adams
//              2001. Departure: whole-content theft with one asymmetric fence for many magazines at once.

using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace NativeMm.Primitives;

/// <summary>
/// A bounded stack of words for one owner thread, which other threads may empty. This is a handle to one place of a rack in unmanaged memory.
/// </summary>
internal readonly unsafe struct Magazine
{
    /// <summary>Bytes of a rack, without the slots of its magazines.</summary>
    public const int RackBytes = 4 * Stride * 8;

    /// <summary>Magazines in a rack.</summary>
    public const int Stride = 128;

    /// <summary>A top above every limit: a magazine that has it refuses all pushes, whatever lies where its limit would be.</summary>
    public const ulong TopRefusingPushes = ulong.MaxValue - 127;

    private readonly nuint* _words;

    private Magazine(nuint* words) => _words = words;

    /// <summary>Most items that the owner may push.</summary>
    public int Capacity => (int)((Limit - Base) / (nuint)sizeof(nuint));

    /// <summary>Whether slots have been attached.</summary>
    public bool HasSlots => Base != 0;

    /// <summary>Items at this moment; exact for the owner and at rest, otherwise approximate, because a stale top is only off by a few.</summary>
    public int Count
    {
        get
        {
            nint bytes = (nint)(Atomic.LoadAcquire(in Top) - Atomic.LoadAcquire(in Floor));
            return bytes <= 0 ? 0 : (int)(bytes / sizeof(nuint));
        }
    }

    /// <summary>Position of the top, to see whether anything moved since the last look; only for comparison.</summary>
    public nuint Position => Atomic.LoadAcquire(in Top);

    /// <summary>The first slots, oldest first, to be filled before <see cref="SetItems"/>. Owner, under the guard, after <see cref="Normalize"/>.</summary>
    /// <param name="count">At most the number of slots attached, which may be more than <see cref="Capacity"/>.</param>
    public Span<nuint> Slots(int count) => new((nuint*)Base + 1, count);

    private ReadOnlySpan<nuint> Items => new((nuint*)Floor + 1, Count);

    // Owner: the thread that pushes and pops.
    private ref nuint Top => ref _words[0];

    // Owner: whoever holds the guard.
    private ref nuint Floor => ref _words[Stride];

    // Owner: the thread that pushes and pops, under the guard.
    private ref nuint Limit => ref _words[2 * Stride];

    private ref nuint Base => ref _words[3 * Stride];

    /// <summary>The magazine at a place of a rack.</summary>
    /// <param name="rack">Memory of <see cref="RackBytes"/> bytes that was zero at first.</param>
    /// <param name="index">0 to <see cref="Stride"/> − 1.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Magazine At(void* rack, nuint index) => new((nuint*)rack + index);

    /// <summary>Bytes of slot memory that a magazine for that many items needs.</summary>
    public static nuint SlotBytes(int capacity) => (nuint)(capacity + 1) * (nuint)sizeof(nuint);

    /// <summary>Gives an empty magazine its slots. Owner, under the guard.</summary>
    /// <param name="slots">Memory of <see cref="SlotBytes"/> bytes for the largest capacity that it will have.</param>
    /// <param name="capacity">Most items that may be pushed for now.</param>
    public void Attach(void* slots, int capacity)
    {
        Base = (nuint)slots;
        SetCapacity(capacity);
        SetItems(0);
    }

    /// <summary>Changes how many items may be pushed. Owner, under the guard.</summary>
    /// <param name="capacity">0 to the number of slots attached.</param>
    public void SetCapacity(int capacity)
    {
        Debug.Assert(capacity >= 0 && (Base != 0 || capacity == 0), $"A magazine without slots has room for {capacity}.");
        Limit = Base + ((nuint)capacity * (nuint)sizeof(nuint));
    }

    // The steps of a pop and of a push, each of them one expression that spells out its words instead of going through properties: all of it
    // is inlined into the callers of the allocator, and the compiler's budgets count every small method and every branch that joins again.

    /// <summary>First step of a pop: lowers the top. Owner only.</summary>
    /// <returns>The slot whose item may be read if <see cref="PopIsGranted"/>.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public nuint PopClaim()
    {
        nuint top = *_words;
        Volatile.Write(ref *_words, top - (nuint)sizeof(nuint)); // [M1] pairs with [M4]
        return top;
    }

    /// <summary>
    /// Second step of a pop: whether the slot is the caller's. If not, <see cref="PopRefused"/> must follow before anything else.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool PopIsGranted(nuint slot) => slot > Volatile.Read(ref _words[Stride]); // [M2] pairs with [M3]

    /// <summary>First step of a push: the slot that comes next. Owner only; nothing has changed yet.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public nuint PushSlot() => *_words + (nuint)sizeof(nuint);

    /// <summary>Second step of a push: whether there is such a slot.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool PushIsGranted(nuint slot) => slot <= _words[2 * Stride];

    /// <summary>Third step of a push, if it is granted: stores the item and raises the top.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Push(nuint slot, nuint item)
    {
        *(nuint*)slot = item;
        Volatile.Write(ref *_words, slot); // [M1] pairs with [M4]
    }

    /// <summary>
    /// Takes the newest item. Owner only. After a refusal the owner must call <see cref="PopRefused"/> before anything else.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryPop(out nuint item)
    {
        nuint slot = PopClaim();
        bool granted = PopIsGranted(slot);
        item = granted ? *(nuint*)slot : 0;
        return granted;
    }

    /// <inheritdoc cref="TryPop(out nuint)"/>
    /// <typeparam name="TPause">Where a race test holds the owner.</typeparam>
    public bool TryPop<TPause>(out nuint item)
        where TPause : struct, IPausePoint
    {
        nuint top = PopClaim();
        TPause.Reach("pop: top lowered, floor not read");
        bool granted = PopIsGranted(top);
        TPause.Reach("pop: floor read, item not read");
        item = granted ? *(nuint*)top : 0;
        return granted;
    }

    /// <summary>Undoes a refused pop. Owner, under the guard.</summary>
    public void PopRefused() => Atomic.StoreRelease(ref Top, Top + (nuint)sizeof(nuint));

    /// <summary>Adds an item on top. Owner only. Says false when it is full, and then nothing has changed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryPush(nuint item)
    {
        nuint slot = PushSlot();
        bool granted = PushIsGranted(slot);
        if (granted)
        {
            Push(slot, item);
        }

        return granted;
    }

    /// <summary>Moves the items down so that all free slots lie above them, and gives them oldest first. Owner, under the guard.</summary>
    public Span<nuint> Normalize()
    {
        int count = Count;
        Debug.Assert(Floor >= Base, $"The floor 0x{Floor:x} of a magazine is below its slots, which begin at 0x{Base:x}.");
        if (Floor != Base)
        {
            new Span<nuint>((nuint*)Floor + 1, count).CopyTo(new Span<nuint>((nuint*)Base + 1, count));
            SetItems(count);
        }

        return new Span<nuint>((nuint*)Base + 1, count);
    }

    /// <summary>Declares how many of the <see cref="Slots"/> hold items. Owner, under the guard.</summary>
    public void SetItems(int count)
    {
        Debug.Assert(count >= 0 && (HasSlots || count == 0), $"A magazine {(HasSlots ? "with" : "without")} slots is set to {count} items.");
        Atomic.StoreRelease(ref Floor, Base);
        Atomic.StoreRelease(ref Top, Base + ((nuint)count * (nuint)sizeof(nuint)));
    }

    /// <summary>
    /// First half of a theft: forbids the owner everything that lies in the magazine now. Under the guard; a
    /// <see cref="Atomic.ProcessWideFence"/> must follow before <see cref="StealEnd"/>.
    /// </summary>
    public MagazineTheft StealBegin()
    {
        nuint floor = Floor;
        nuint top = Atomic.LoadAcquire(in Top);
        if (top > floor)
        {
            Atomic.StoreRelease(ref Floor, top); // [M3] pairs with [M2]
        }

        return new MagazineTheft(floor, Math.Max(top, floor));
    }

    /// <summary>
    /// Second half of a theft: the items that the owner had not taken before the fence. They belong to the caller; copy them before the
    /// guard is given up.
    /// </summary>
    public ReadOnlySpan<nuint> StealEnd(MagazineTheft theft)
    {
        nuint top = Atomic.LoadAcquire(in Top); // [M4] pairs with [M1]
        nuint end = Math.Max(theft.Floor, Math.Min(top, theft.Top));
        Debug.Assert(theft.Floor <= theft.Top && end <= theft.Top, $"A theft that began with 0x{theft.Floor:x} to 0x{theft.Top:x} ends at 0x{end:x}.");
        if (theft.Top != theft.Floor)
        {
            Atomic.StoreRelease(ref Floor, end);
        }

        return new ReadOnlySpan<nuint>((nuint*)theft.Floor + 1, (int)((end - theft.Floor) / (nuint)sizeof(nuint)));
    }

    /// <summary>Adds the items to a list, oldest first. Only at rest.</summary>
    public void CopyTo(List<nuint> items) => items.AddRange(Items);

    /// <summary>Whether an item lies in the magazine. Exact at rest.</summary>
    public bool Contains(nuint item) => HasSlots && Items.Contains(item);

    /// <summary>Forgets slots and items. Nobody may use the magazine at the same time.</summary>
    public void Detach()
    {
        Base = 0;
        Limit = 0;
        SetItems(0);
    }
}
