using System.Runtime.CompilerServices;

namespace NativeMm.Primitives;

/// <summary>
/// An object for each number that threads go by: found by one load, made at first use, and kept. Thread-safe; only the making allocates managed memory. A mutable
/// struct: a field, never a copy.
/// </summary>
/// <remarks>Whether an object belongs to one thread at a time is a matter of the numbers.</remarks>
/// <typeparam name="T">What there is for each number.</typeparam>
internal struct NumberedStands<T>
    where T : class
{
    /// <summary>Numbers from here on have no object.</summary>
    public const int NumbersMax = 1 << 17;

    private const int LengthMin = 128;

    private T?[]? _stands;
    private SleepLock _growLock;

    /// <summary>All places, those without an object included.</summary>
    public readonly ReadOnlySpan<T?> All => Atomic.LoadAcquire(in _stands);

    /// <summary>The object of a number, or null if it has none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly T? At(int number)
    {
        T?[]? stands = Atomic.LoadAcquire(in _stands);
        return stands is not null && (uint)number < (uint)stands.Length ? stands[number] : null;
    }

    /// <summary>Keeps an object for a number that has none. Only for who goes by the number.</summary>
    /// <param name="number">0 or more.</param>
    /// <param name="stand">The object.</param>
    /// <returns>The object; null for numbers beyond all.</returns>
    /// <exception cref="OutOfMemoryException">There is no managed memory for a longer list; nothing has changed.</exception>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public T? Keep(int number, T stand)
    {
        if (number >= NumbersMax)
        {
            return null;
        }

        using (_growLock.EnterScope())
        {
            T?[] stands = _stands ?? [];
            if (number >= stands.Length)
            {
                Array.Resize(ref stands, Math.Max(Math.Max(number + 1, LengthMin), 2 * stands.Length));
            }

            Atomic.StoreRelease(ref stands[number], stand);
            Atomic.StoreRelease(ref _stands, stands);
        }

        return stand;
    }
}
