using System.Runtime.CompilerServices;
using NativeMm.Heap;
using NativeMm.Primitives;
using StackPages = NativeMm.Platform.StackPages<NativeMm.Heap.ThreadCache>;

namespace NativeMm.Buffers;

/// <summary>
/// The stands of one pool, by a number of their thread: no two threads that live have the same, and one that comes later takes over what an ended one
/// with its number left. Guards that have no place there, and counts of threads that never rented, are common. Thread-safe; only a rent allocates
/// managed memory.
/// </summary>
/// <remarks>
/// A thread has two numbers. The odd one is that of its cache of the shared heap, which the page of its stack tells without a call; the even one is .NET's,
/// for threads without a cache and on pages that are not entered. Each belongs to one thread at a time, and so does the stand of each.
/// </remarks>
internal sealed unsafe class RentStands(NativeMemoryPool pool, bool withOwners)
{
    private const int SparesMax = 1024;

    /// <summary>Guards that go from the common ones to a stand at a time.</summary>
    private const int Batch = 32;

    // Threads with higher numbers do without a stand.
    private const int NumbersMax = 1 << 17;

    private readonly RentGuard?[] _spares = new RentGuard?[SparesMax];
    private RentStand?[] _stands = new RentStand?[128];
    private SleepLock _growLock;
    private SpinLock<NoLockStatistics> _sparesLock;
    private int _spareCount;
    private long _rents;
    private long _returns;
    private long _bytes;

    /// <summary>The calling thread's stand, or null if it has none.</summary>
    public RentStand? Current
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => At(Number);
    }

    /// <summary>The calling thread's stand, made if it has none; null for threads beyond all numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public RentStand? CurrentOrNew()
    {
        int number = Number;
        return At(number) ?? Make(number);
    }

    private static int Number
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            nuint here = StackPages.Here;
            nuint* entry = StackPages.EntryOf(here);
            return StackPages.Knows(entry, here) ? StackPages.Of(entry)->OddNumber : 2 * Environment.CurrentManagedThreadId;
        }
    }

    /// <summary>A guard of the common ones, whose company goes to the stand; or a new one.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public RentGuard TakeCommon(RentStand? stand)
    {
        RentGuard? first = null;
        _sparesLock.Enter();
        for (int i = 0; i < Batch && _spareCount > 0; i++)
        {
            RentGuard spare = _spares[--_spareCount]!;
            _spares[_spareCount] = null;
            if (first is null)
            {
                first = spare;
            }
            else if (stand is null || !stand.TryPut(spare))
            {
                _spares[_spareCount++] = spare;
                break;
            }
        }

        _sparesLock.Exit();
        return first ?? new RentGuard(pool);
    }

    /// <summary>Takes a guard that has no place in a stand, and with it some company of a full one.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public void PutCommon(RentStand? stand, RentGuard guard)
    {
        RentGuard? next = guard;
        _sparesLock.Enter();
        for (int i = 0; i < Batch && next is not null && _spareCount < SparesMax; i++)
        {
            _spares[_spareCount++] = next;
            next = i + 1 < Batch ? stand?.TryTake() : null;
        }

        _sparesLock.Exit();
        next?.Retire();
    }

    /// <summary>Counts a rent of a thread without a stand.</summary>
    public void Rented(int bytes)
    {
        Atomic.Add(ref _rents, 1);
        Atomic.Add(ref _bytes, bytes);
    }

    /// <summary>Counts the end of a rent by a thread without a stand.</summary>
    public void Returned(int bytes)
    {
        Atomic.Add(ref _returns, 1);
        Atomic.Add(ref _bytes, -bytes);
    }

    /// <summary>Rents, returns, and the bytes between them. Exact at rest.</summary>
    public (long Rents, long Returns, long Bytes) Sum()
    {
        (long Rents, long Returns, long Bytes) sum = (Atomic.LoadAcquire(ref _rents), Atomic.LoadAcquire(ref _returns), Atomic.LoadAcquire(ref _bytes));
        foreach (RentStand? stand in Atomic.LoadAcquire(ref _stands))
        {
            if (stand is not null)
            {
                (long rents, long returns, long bytes) = stand.Counts;
                sum = (sum.Rents + rents, sum.Returns + returns, sum.Bytes + bytes);
            }
        }

        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private RentStand? At(int number)
    {
        RentStand?[] stands = Atomic.LoadAcquire(ref _stands);
        return (uint)number < (uint)stands.Length ? stands[number] : null;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private RentStand? Make(int number)
    {
        if (number >= NumbersMax)
        {
            return null;
        }

        var stand = new RentStand(withOwners);
        using (_growLock.EnterScope())
        {
            RentStand?[] stands = _stands;
            if (number >= stands.Length)
            {
                Array.Resize(ref stands, Math.Max(number + 1, 2 * stands.Length));
            }

            Atomic.StoreRelease(ref stands[number], stand);
            Atomic.StoreRelease(ref _stands, stands);
        }

        return stand;
    }
}
