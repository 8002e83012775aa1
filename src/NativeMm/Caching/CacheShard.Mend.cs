using NativeMm.AddressSpaces;
using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Caching;

/// <content>
/// Slots that became free take entries that had to go on behind them. Without that, entries stay where they came to lie when all was full: after a while most buckets of an
/// index near its limit are passed by somebody, and a lookup of what is not there, as that of each new key, reads dozens of them.
/// </content>
internal sealed unsafe partial class CacheShard<TPolicy>
{
    // Two batches of victims and what a step of the sweep may find beside them; what else becomes free is left.
    private const int HolesMax = 2 * (VictimsMax + ((int)SweepBuckets * CacheBucket.Slots));

    private readonly uint[] _holes = new uint[HolesMax];
    private int _holeCount;

    /// <summary>Notes that a slot became free.</summary>
    private void NoteHole(uint number)
    {
        if (_holeCount < HolesMax && CacheTable.IsPassed(_table, number))
        {
            _holes[_holeCount++] = number;
        }
    }

    /// <summary>
    /// Settles, and moves entries into the slots that became free. An entry is in both slots until all lookups that may have passed the new one are done, so that none misses it. Not
    /// inside of a walk over slots: numbers change.
    /// </summary>
    private void Mend()
    {
        Invariant.Assert(Lock.IsHeldByCurrentThread, "Entries get other slots without the lock.");
        Span<uint> from = stackalloc uint[HolesMax];
        int moves = 0;
        for (int i = 0; i < _holeCount; i++)
        {
            uint hole = _holes[i];
            if (CacheTable.WordAt(_table, hole) == 0 && CacheTable.TryFindPasser(_table, hole, from[..moves], out uint passer))
            {
                CacheTable.Copy(_table, passer, hole);
                from[moves] = passer;
                _holes[moves++] = hole;
            }
        }

        _holeCount = 0;
        if (moves == 0)
        {
            Settle();
            return;
        }

        Span<ulong> words = stackalloc ulong[Hazards.Capacity];
        Hazards leases = _readers.Await(words);
        for (int i = 0; i < moves; i++)
        {
            // In their order: an entry that came into one hole may have gone on to another one.
            CacheTable.Uncopy(_table, from[i], _holes[i]);
            _policy.Move(CacheTable.ItemOf(_table, from[i]), CacheTable.ItemOf(_table, _holes[i]));
        }

        Free(leases);

        // What they left may serve others next time.
        foreach (uint left in from[..moves])
        {
            if (CacheTable.WordAt(_table, left) == 0)
            {
                NoteHole(left);
            }
        }
    }
}
