namespace NativeMm.Primitives;

/// <summary>
/// Who is registered, to be walked through once by <c>foreach</c>, without managed memory. Who comes or goes during the walk may be met or missed.
/// </summary>
/// <param name="places">The places, vacant ones among them.</param>
/// <typeparam name="T">What registers.</typeparam>
internal struct RegistrationsView<T>(T?[] places)
    where T : class
{
    private int _next;

    /// <summary>The object of this step.</summary>
    public T Current { get; private set; } = null!;

    /// <summary>The walk, from its beginning.</summary>
    public readonly RegistrationsView<T> GetEnumerator() => new(places);

    /// <summary>Goes to the next object.</summary>
    public bool MoveNext()
    {
        while (_next < places.Length)
        {
            if (Atomic.LoadAcquire(ref places[_next++]) is { } item)
            {
                Current = item;
                return true;
            }
        }

        return false;
    }
}
