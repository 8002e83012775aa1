using System.Diagnostics.CodeAnalysis;
using NativeMm.AddressSpaces;
using NativeMm.Diagnostics;
using NativeMm.Eviction;
using NativeMm.Primitives;

namespace NativeMm.Caching;

/// <content>Records that wait until no reader uses them.</content>
internal sealed unsafe partial class CacheShard<TPolicy>
{
    // So many bytes wait at most before they are settled, beside the last record: what is set next should find them while they are still in the core's cache, and not take memory anew.
    private const long LimboBytesMax = 256 << 10;

    private long _limboBytes;

    private void Retire(uint location)
    {
        var backoff = default(Backoff);
        while (_limboCount == _limbo.Length)
        {
            // What is left after that is leased.
            Settle();
            if (_limboCount > _limbo.Length / 2 && !TryEnlargeLimbo() && _limboCount == _limbo.Length)
            {
                backoff.Wait();
            }
        }

        Invariant.Assert(location != 0 && Lock.IsHeldByCurrentThread, "A record of no segment is retired, or without the lock.");
        _limbo[_limboCount++] = location;
        _limboBytes += Space.BytesOf(location);
        if (_limboBytes >= LimboBytesMax)
        {
            Settle();
        }
    }

    private bool TryEnlargeLimbo()
    {
        try
        {
            Array.Resize(ref _limbo, 2 * _limbo.Length);
            return true;
        }
        catch (OutOfMemoryException)
        {
            return false;
        }
    }

    /// <summary>Waits for lookups that may read what was unlinked, and frees all of it that nobody has leased.</summary>
    private void Settle()
    {
        if (_limboCount == 0)
        {
            return;
        }

        Invariant.Assert(Lock.IsHeldByCurrentThread, "What waits for its readers is freed without the lock.");
        Span<ulong> words = stackalloc ulong[Hazards.Capacity];
        Hazards leases = _readers.Await(words);
        Free(leases);
    }

    private void Free(in Hazards leases)
    {
        Invariant.Assert(_limboCount <= _limbo.Length, $"{_limboCount} records wait for their readers in {_limbo.Length} places.");
        int kept = 0;
        for (int i = 0; i < _limboCount; i++)
        {
            uint location = _limbo[i];
            if (_readers.IsLeased(leases, (nuint)Space.AddressOf(location), CacheRecord.UnitBytes))
            {
                _limbo[kept++] = location;
            }
            else
            {
                Space.Free(location);
            }
        }

        Invariant.Assert(kept <= _limboCount, $"{kept} records are leased, of {_limboCount} that waited.");

        // Those that are leased do not count: they would be looked at for each record that follows.
        _limboCount = kept;
        _limboBytes = 0;
    }
}
