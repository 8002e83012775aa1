using NativeMm.Diagnostics;

namespace NativeMm.Caching;

/// <content>Whether everything adds up.</content>
internal sealed unsafe partial class CacheShard<TPolicy>
{
    /// <summary>Looks at the counts before the lock is given up, in a Debug build and in a process that is checked.</summary>
    public void AssertWhole()
    {
        if (Invariant.AreAsserted)
        {
            CheckCounts();
            Space.CheckCounts();
        }
    }

    /// <summary>Checks the index, the records and the counts.</summary>
    /// <exception cref="InvariantViolationException">Something does not add up.</exception>
    public void Validate()
    {
        Settle();
        var known = new HashSet<uint>();
        (uint count, uint evictable, uint expiring, long bytes) = (0, 0, 0, 0);
        int[] passed = new int[_table->BucketCount];
        for (uint number = 0; number < _table->SlotCount; number++)
        {
            var slot = new CacheSlot(CacheTable.WordAt(_table, number));
            if (slot.Word == 0)
            {
                continue;
            }

            Invariant.Check(known.Add(slot.Location), $"Two entries have the record at {slot.Location}.");
            byte* record = Space.AddressOf(slot.Location);
            ReadOnlySpan<byte> key = CacheRecord.KeyOf(record);
            ulong hash = _hash.Of(key);
            Invariant.Check(CacheSlot.TagOf(hash) == slot.Tag, $"The entry of slot {number} has another tag than its key.");
            uint at = CacheTable.Find(_table, hash, key, out byte* found);
            Invariant.Check(found == record && at == number, $"The entry of slot {number} is not where its key leads.");
            Invariant.Check(CacheRecord.At(record).HasDeadline == slot.Expires, $"The entry of slot {number} is wrong about its deadline.");
            count++;
            evictable += slot.Priority == CachePriority.NeverRemove ? 0u : 1;
            expiring += slot.Expires ? 1u : 0;
            bytes += key.Length + CacheRecord.ValueOf(record).Length;
            for (uint index = CacheSlot.HomeOf(slot.Tag, _table->BucketCount); index != number / CacheBucket.Slots; index = (index + 1) % _table->BucketCount)
            {
                passed[index]++;
            }
        }

        for (uint index = 0; index < _table->BucketCount; index++)
        {
            byte counted = CacheTable.BucketAt(_table, index)->Passed;
            Invariant.Check(counted == CacheBucket.PassedMax || counted == passed[index], $"Bucket {index} is passed by {passed[index]} and counts {counted}.");
        }

        Invariant.Check(count == _count, $"A shard has {count} entries and counts {_count}.");
        Invariant.Check(expiring == _expiring, $"A shard has {expiring} entries that may expire and counts {_expiring}.");
        Invariant.Check(bytes == EntryBytes, $"A shard has {bytes} bytes of entries and counts {EntryBytes}.");
        Invariant.Check(evictable == _evictable && evictable == _policy.Count(), $"The policy has {_policy.Count()} entries of {evictable}, the shard counts {_evictable}.");
        foreach (uint location in _limbo.AsSpan(0, _limboCount))
        {
            Invariant.Check(known.Add(location), $"The record at {location} waits for its readers twice, or is an entry's.");
        }

        CheckCounts();
        Space.Validate(known.Contains);
    }

    private void CheckCounts()
    {
        Invariant.Check(Lock.IsHeldByCurrentThread, "The counts of a shard are looked at without its lock.");
        Invariant.Check(
            _count <= _table->CountMax && _evictable <= _count && _expiring <= _count,
            $"A shard counts {_count} entries of at most {_table->CountMax}, {_evictable} that may go, {_expiring} that may expire.");
        Invariant.Check(EntryBytes >= 0 && (_count != 0 || EntryBytes == 0), $"{_count} entries of a shard have {EntryBytes} bytes.");
        Invariant.Check(_limboCount >= 0 && _limboCount <= _limbo.Length, $"{_limboCount} records wait for their readers in {_limbo.Length} places.");
        Invariant.Check(_sweep < _table->BucketCount && IndexBytes == _table->Charge, $"A shard was swept up to turn {_sweep} of {_table->BucketCount}, and its index counts {IndexBytes}.");
        Invariant.Check(_holeCount is >= 0 and <= HolesMax && _limboBytes >= 0, $"{_holeCount} slots of a shard became free, of {HolesMax} that are noted, and {_limboBytes} bytes wait.");
    }
}
