namespace NativeMm.Primitives;

/// <summary>
/// Objects that registered for something. Readers take the current array without a lock; its places are filled and vacated one by one, and a longer
/// array replaces it. Thread-safe.
/// </summary>
/// <remarks>
/// To leave needs no managed memory, which whoever gives something back must do without; to come makes a longer array outside of the lock, under
/// which none is allocated. The lock calls nobody: objects are told apart by reference, and delegates by what they call, as their own type does it.
/// </remarks>
/// <typeparam name="T">What registers.</typeparam>
internal sealed class Registrations<T>
    where T : class
{
    private SpinLock<NoLockStatistics> _lock;
    private T?[] _places = [];

    // No place before this one is vacant.
    private int _vacant;

    /// <summary>The objects, to be walked through.</summary>
    public RegistrationsView<T> View => new(Places);

    /// <summary>The objects as they are now, with vacant places in between. Each place is to be read once.</summary>
    public T?[] Places => Atomic.LoadAcquire(ref _places);

    /// <summary>Takes an object in.</summary>
    /// <returns>Its place, until it leaves.</returns>
    public int Add(T item)
    {
        T?[] longer = [];
        int place;
        while (!TryAdd(item, longer, out place))
        {
            longer = new T?[int.Max(4, 2 * place)];
        }

        return place;
    }

    /// <summary>Lets an object go, once if it registered more often; unknown ones are ignored.</summary>
    public void Remove(T item)
    {
        _lock.Enter();
        for (int place = 0; place < _places.Length; place++)
        {
            if (IsSame(_places[place], item))
            {
                Vacate(place);
                break;
            }
        }

        _lock.Exit();
    }

    /// <summary>Lets the object at a place go.</summary>
    public void RemoveAt(int place)
    {
        _lock.Enter();
        Vacate(place);
        _lock.Exit();
    }

    private void Vacate(int place)
    {
        Atomic.StoreRelease(ref _places[place], null);
        _vacant = int.Min(_vacant, place);
    }

    private static bool IsSame(T? known, T item) => ReferenceEquals(known, item) || (item is Delegate && item.Equals(known));

    private bool TryAdd(T item, T?[] longer, out int place)
    {
        _lock.Enter();
        place = _vacant;
        while (place < _places.Length && _places[place] is not null)
        {
            place++;
        }

        _vacant = place;
        bool fits = place < _places.Length;
        if (!fits && place < longer.Length)
        {
            _places.AsSpan().CopyTo(longer);
            Atomic.StoreRelease(ref _places, longer);
            fits = true;
        }

        if (fits)
        {
            Atomic.StoreRelease(ref _places[place], item);
        }

        _lock.Exit();
        return fits;
    }
}
