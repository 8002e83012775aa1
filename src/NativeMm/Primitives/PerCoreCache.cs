// Purpose      work memory that an operation takes for itself and gives back, without allocating when warm.
// States       a slot holds an idle item or null.
// Transitions  item → null: whoever takes it, by exchange. null → item: whoever returns one, by CAS.
// Ownership    slot | anybody | exchange, CAS. An item outside of its slot belongs to whoever took it.
// Ordering     [C1] the CAS that returns an item pairs with [C2], the exchange that takes it: what the last user wrote into it is visible to the next.
//              Both are full fences. The plain look before them only saves a write to a line that would gain nothing.
// Reuse        an item is in one slot at most, because only who holds it returns it.
// Progress     wait-free: one look at each slot. A thread that dies with an item costs the item.

using System.Numerics;

namespace NativeMm.Primitives;

/// <summary>Idle items, one a core. A core whose slot is empty looks at the others before it makes a new item; what finds no room is dropped.</summary>
internal sealed class PerCoreCache<T>
    where T : class
{
    private const int Stride = CacheLine.Isolation / sizeof(ulong);
    private const int SlotsMax = 64;

    private readonly T?[] _slots;
    private readonly int _mask;
    private readonly Func<T> _make;

    public PerCoreCache(Func<T> make)
    {
        int count = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Min(Environment.ProcessorCount, SlotsMax));

        // One slot in front is left unused, so that the array's length, read at every access, does not share a line with an item.
        _slots = new T?[(count + 1) * Stride];
        _mask = count - 1;
        _make = make;
    }

    /// <summary>An idle item, or a new one.</summary>
    public T Take()
    {
        int home = CoreId.CurrentHint.Value;
        for (int i = 0; i <= _mask; i++)
        {
            ref T? slot = ref _slots[SlotOf(home + i)];
            if (Atomic.LoadAcquire(ref slot) is not null && Atomic.Exchange(ref slot, null) is { } item) // [C2] pairs with [C1]
            {
                return item;
            }
        }

        return _make();
    }

    /// <summary>Gives an item back for the next one.</summary>
    public void Return(T item)
    {
        int home = CoreId.CurrentHint.Value;
        for (int i = 0; i <= _mask; i++)
        {
            ref T? slot = ref _slots[SlotOf(home + i)];
            if (Atomic.LoadAcquire(ref slot) is null && Atomic.CompareExchange(ref slot, null, item)) // [C1] pairs with [C2]
            {
                return;
            }
        }
    }

    private int SlotOf(int core) => ((core & _mask) + 1) * Stride;
}
