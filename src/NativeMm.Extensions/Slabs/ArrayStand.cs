// Purpose      what one thread has of an array pool: the newest idle array of each length, and what it counted.
// States       a place: empty, or an idle array. The arrays that lie here are nobody's: neither rented nor in a bucket.
// Transitions  [S1] empty → array and array → newer array, by the thread's return, by CAS; the older one is the returner's then. [S2] array → empty, by the
//              thread's rent or by a pass, by CAS of the array that was seen.
// Ownership    places | the thread, and passes | CAS. _since | the thread | a hint for passes: an array may stay one delay longer, or go one too early.
//              counts | the thread | release; acquire by anybody.
// Ordering     [S1] is a release of all that the returner did to the array, [S2] an acquire: whoever takes it out has it alone.
// Reuse        an array that comes back to its place is the same array: whoever takes it then has it all the same.
// Progress     wait-free: of a rent and a pass that meet, one gets it; a return that meets a pass finds the place empty, and nobody else fills it.

using System.Runtime.CompilerServices;
using NativeMm.Primitives;

namespace NativeMm.Slabs;

/// <summary>The newest idle array of each length for one thread. Only that thread rents and returns here; passes take out, and anybody may count.</summary>
internal sealed class ArrayStand
{
    // Never used, behind each list: what is allocated next belongs to another thread.
    private const int Gap = CacheLine.Isolation / sizeof(int);

    private readonly byte[]?[] _places;
    private readonly int[] _since;

    // Rents and returns of each length, side by side.
    private readonly long[] _counts;

    // Behind all else, and to be seen by nobody.
#pragma warning disable CS0169, IDE0051 // It takes room, that is all.
    private readonly LineGap _gap;
#pragma warning restore CS0169, IDE0051

    /// <summary>Makes an empty one.</summary>
    /// <param name="places">For how many lengths it keeps an array, the shortest first.</param>
    /// <param name="lengths">For how many it counts.</param>
    public ArrayStand(int places, int lengths)
    {
        _places = new byte[places + Gap][];
        _since = new int[places + Gap];
        _counts = new long[(2 * lengths) + Gap];
        Places = places;
    }

    /// <summary>For how many lengths there are places.</summary>
    public int Places { get; }

    /// <summary>Rents and returns of a length. Of about one moment.</summary>
    public (long Rents, long Returns) CountsOf(int length) => (Atomic.LoadAcquire(in _counts[2 * length]), Atomic.LoadAcquire(in _counts[(2 * length) + 1]));

    /// <summary>Whether an array lies at a place; a hint.</summary>
    public bool HasIdle(int place) => Atomic.LoadAcquire(in _places[place]) is not null;

    /// <summary>Takes the array of a place, or null.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte[]? TryTake(int place)
    {
        ref byte[]? at = ref _places[place];
        byte[]? array = Atomic.LoadAcquire(in at);
        return array is not null && Atomic.CompareExchange(ref at, array, null) ? array : null; // [S2]
    }

    /// <summary>Keeps an array.</summary>
    /// <param name="place">The place of its length.</param>
    /// <param name="array">The array.</param>
    /// <param name="now">The number of the present pass.</param>
    /// <returns>The one that lay there before, for which there has to be another place; or null.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte[]? Put(int place, byte[] array, int now)
    {
        ref byte[]? at = ref _places[place];
        _since[place] = now;
        byte[]? older = Atomic.LoadAcquire(in at);
        if (Atomic.CompareExchange(ref at, older, array)) // [S1]
        {
            return older;
        }

        // A pass took the older one.
        _ = Atomic.CompareExchange(ref at, null, array); // [S1]
        return null;
    }

    /// <summary>For a pass: moves the array of a place that has lain for long enough; without managed memory to note it, nothing.</summary>
    public void TakeIdle(int place, int now, int age, List<IdleArray> idle)
    {
        if (!HasIdle(place) || _since[place] > now - age)
        {
            return;
        }

        try
        {
            idle.EnsureCapacity(idle.Count + 1);
        }
        catch (OutOfMemoryException)
        {
            return;
        }

        int since = _since[place];
        if (TryTake(place) is { } array)
        {
            idle.Add(new IdleArray(array, since, IsResident: true));
        }
    }

    /// <summary>Counts a rent of the thread.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void CountRent(int length)
    {
        ref long count = ref _counts[2 * length];
        Atomic.StoreRelease(ref count, count + 1);
    }

    /// <summary>Counts a return by the thread, whoever rented.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void CountReturn(int length)
    {
        ref long count = ref _counts[(2 * length) + 1];
        Atomic.StoreRelease(ref count, count + 1);
    }

    /// <summary>Counts a rent, where several threads do.</summary>
    public void CountSharedRent(int length) => Atomic.Add(ref _counts[2 * length], 1);

    /// <summary>Counts a return, where several threads do.</summary>
    public void CountSharedReturn(int length) => Atomic.Add(ref _counts[(2 * length) + 1], 1);
}
