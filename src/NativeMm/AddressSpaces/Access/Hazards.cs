using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <summary>
/// The hazards of one space as they were after a process-wide fence ([H2] in <see cref="AccessSlot"/>). Whoever changed entries before it was taken learns
/// which of the pages somebody may still use.
/// </summary>
internal unsafe ref struct Hazards
{
    /// <summary>How many hazards of one space a look can hold; with more than that every page counts as used.</summary>
    public const int Capacity = 128;

    private readonly Span<ulong> _words;
    private int _count;

    private Hazards(Span<ulong> words) => _words = words;

    /// <summary>Whether there were more hazards than a look can hold.</summary>
    public readonly bool IsOverflown => _count > _words.Length;

    /// <summary>Whether nobody uses any page of the space.</summary>
    public readonly bool IsEmpty => _count == 0;

    /// <summary>Passes the fence and looks.</summary>
    /// <param name="key">The space.</param>
    /// <param name="words">Room for <see cref="Capacity"/> words.</param>
    public static Hazards Look(ulong key, Span<ulong> words)
    {
        Atomic.ProcessWideFence(); // [H2] pairs with [H1], [H3]
        var hazards = new Hazards(words);
        hazards.Collect(key);
        return hazards;
    }

    /// <summary>Looks once more, for whoever has passed the fence already and waited since.</summary>
    public static Hazards LookAgain(ulong key, Span<ulong> words)
    {
        var hazards = new Hazards(words);
        hazards.Collect(key);
        return hazards;
    }

    /// <summary>Passes the fence and looks whether any thread has a lease of the space.</summary>
    public static bool HasLeases(ulong key)
    {
        AccessSlots.EndLeasesOfDead();
        Atomic.ProcessWideFence(); // [H2] pairs with [H1], [H3]
        int count = AccessSlots.Count;
        for (int i = 0; i < count; i++)
        {
            AccessSlot* slot = AccessSlots.At(i);
            for (int index = 0; index < AccessSlot.LeasesMax; index++)
            {
                ulong word = Atomic.LoadAcquire(in *AccessSlot.LeaseWord(slot, index));
                if (word != 0 && new Hazard(word).Key == key)
                {
                    return true;
                }
            }
        }

        return false;
    }

    /// <summary>
    /// Whether a lease of the space touches a range at this moment, by the words themselves. For whoever has passed the fence and waited since: what he took away
    /// nobody finds any more, so leases can only have ended.
    /// </summary>
    public static bool IsLeased(ulong key, ulong first, ulong end)
    {
        int count = AccessSlots.Count;
        for (int i = 0; i < count; i++)
        {
            AccessSlot* slot = AccessSlots.At(i);
            for (int index = 0; index < AccessSlot.LeasesMax; index++)
            {
                if (IsIn(Atomic.LoadAcquire(in *AccessSlot.LeaseWord(slot, index)), key, first, end)) // [H2] pairs with [H3]
                {
                    return true;
                }
            }
        }

        return false;
    }

    /// <summary>Whether somebody may use the page.</summary>
    public readonly bool Touches(ulong page) => _count != 0 && TouchesAny(page, page + 1);

    /// <summary>Whether somebody may use any page of a range.</summary>
    public readonly bool TouchesAny(ulong first, ulong end)
    {
        Invariant.Assert(first <= end, $"Hazards for pages {first:x} to {end:x} are looked for.");
        if (_count > _words.Length)
        {
            return true;
        }

        foreach (ulong word in _words[.._count])
        {
            if (new Hazard(word).Touches(first, end))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// Waits until every read and write that was under way on a page of a range is done; not for leases. The caller has passed the fence since he took
    /// the right away, and holds no lock that a fault waits for in vain: accesses end by themselves.
    /// </summary>
    public static void AwaitAccesses(ulong key, ulong first, ulong end)
    {
        Invariant.Assert(first <= end, $"Accesses to pages {first:x} to {end:x} are waited for.");
        int count = AccessSlots.Count;
        for (int i = 0; i < count; i++)
        {
            AccessSlot* slot = AccessSlots.At(i);
            ulong seen = Atomic.LoadAcquire(in slot->Access);
            if (IsIn(seen, key, first, end))
            {
                var backoff = default(Backoff);
                while (Atomic.LoadAcquire(in slot->Access) == seen)
                {
                    backoff.Wait();
                }
            }
        }
    }

    private static bool IsIn(ulong word, ulong key, ulong first, ulong end) =>
        word != 0 && new Hazard(word) is var hazard && hazard.Key == key && hazard.Touches(first, end);

    private void Collect(ulong key)
    {
        Invariant.Assert(key != 0 && (key & ((1UL << Hazard.SpaceShift) - 1)) == 0 && _count == 0, $"Hazards of space {key:x} are collected, beside {_count}.");
        int count = AccessSlots.Count;
        for (int i = 0; i < count; i++)
        {
            AccessSlot* slot = AccessSlots.At(i);
            for (int index = 0; index < AccessSlot.Words; index++)
            {
                ulong word = Atomic.LoadAcquire(in AccessSlot.Word(slot, index));
                if (word != 0 && new Hazard(word).Key == key)
                {
                    if (_count < _words.Length)
                    {
                        _words[_count] = word;
                    }

                    _count++;
                }
            }
        }
    }
}
