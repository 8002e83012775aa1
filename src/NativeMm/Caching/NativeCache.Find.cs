using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using NativeMm.AddressSpaces;
using NativeMm.Heap;
using NativeMm.Primitives;

namespace NativeMm.Caching;

/// <content>Lookups. The note in CacheReaders.cs says why what they read stays.</content>
public sealed unsafe partial class NativeCache
{
    /// <summary>Looks an entry up. With a record the caller is inside of the lookup and ends it; without one it has ended.</summary>
    /// <param name="own">The thread's slot.</param>
    /// <param name="key">The key.</param>
    /// <param name="isUse">Whether it counts as a use, as a hit or as a miss.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private byte* Find(AccessSlot* own, ReadOnlySpan<byte> key, bool isUse)
    {
        ulong hash = _hash.Of(key);
        _readers.Enter(own);
        var table = (CacheTable*)Atomic.LoadAcquire(in _roots[(uint)(hash >> 32) & _shardMask]); // [K1] pairs with [K2]
        if (table == null)
        {
            CacheReaders.Exit(own);
            _store.ThrowEnded();
        }

        byte* record = CacheTable.Find(table, hash, key, out CacheBucket* bucket, out uint slot);
        if (record != null && !CacheRecord.At(record).HasDeadline)
        {
            if (isUse)
            {
                if (bucket->Used[slot] == 0)
                {
                    bucket->Used[slot] = 1;
                }

                _counts.Add(own, hit: true);
            }

            return record;
        }

        return FindSlow(own, hash, key, record, isUse);
    }

    /// <summary>What was not found, or may have expired.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private byte* FindSlow(AccessSlot* own, ulong hash, ReadOnlySpan<byte> key, byte* record, bool isUse)
    {
        if (record != null)
        {
            record = FindTimed(own, hash, key, isUse);
        }

        if (record == null)
        {
            CacheReaders.Exit(own);
        }

        if (isUse)
        {
            _counts.Add(own, record != null);
        }

        return record;
    }

    /// <summary>Looks an entry up again, with the time. Inside of the lookup before and after it; in between, because the clock may be a program's code, not.</summary>
    private byte* FindTimed(AccessSlot* own, ulong hash, ReadOnlySpan<byte> key, bool isUse)
    {
        CacheReaders.Exit(own);
        long now = CacheTimes.Now(_clock);
        _readers.Enter(own);
        while (true)
        {
            var table = (CacheTable*)Atomic.LoadAcquire(in _roots[(uint)(hash >> 32) & _shardMask]); // [K1] pairs with [K2]
            if (table == null)
            {
                CacheReaders.Exit(own);
                _store.ThrowEnded();
            }

            byte* record = CacheTable.Find(table, hash, key, out CacheBucket* bucket, out uint slot);
            if (record == null || CacheRecord.IsExpired(record, now))
            {
                return null;
            }

            if (!isUse || TryRenew(table, bucket, slot, record, now))
            {
                if (isUse && bucket->Used[slot] == 0)
                {
                    bucket->Used[slot] = 1;
                }

                return record;
            }
        }
    }

    /// <summary>Renews the deadline of a record that slides.</summary>
    /// <returns>False when the record may have been moved before that was seen: whoever moves copies the deadline, and looks once more behind it.</returns>
    private static bool TryRenew(CacheTable* table, CacheBucket* bucket, uint slot, byte* record, long now)
    {
        if (!CacheRecord.At(record).IsSliding)
        {
            return true;
        }

        long renewed = CacheRecord.RenewedDeadline(record, now);
        ref long deadline = ref CacheRecord.DeadlineOf(record);
        long seen = Atomic.LoadAcquire(in deadline);
        while (seen < renewed)
        {
            if (Atomic.CompareExchange(ref deadline, seen, renewed)) // [V2] pairs with [V1]
            {
                uint location = new CacheSlot(Atomic.LoadAcquire(in bucket->Words[slot])).Location;
                return location != 0 && CacheSegment.AddressOf(table->Segments, location) == record;
            }

            seen = Atomic.LoadAcquire(in deadline);
        }

        return true;
    }

    /// <summary>Turns a lookup into a lease.</summary>
    private ReadOnlySpan<byte> BeginLease(AccessSlot* own, ulong* word, byte* record)
    {
        Atomic.StoreRelease(ref *word, _readers.LeaseOf(record)); // The end of the lookup publishes it.
        ReadOnlySpan<byte> value = CacheRecord.ValueOf(record);
        CacheReaders.Exit(own);
        return value;
    }

    private bool CopyLeased(AccessSlot* own, byte* record, Span<byte> destination, out int length)
    {
        length = CacheRecord.LengthOf(record);
        if (length > destination.Length)
        {
            CacheReaders.Exit(own);
            return false;
        }

        ulong* word = LeaseWords.TryFind(own);
        if (word == null)
        {
            CacheReaders.Exit(own);
            _ = LeaseWords.Find(own);
        }

        bool compressed = CacheRecord.At(record).IsCompressed;
        ReadOnlySpan<byte> value = BeginLease(own, word, record);
        try
        {
            if (compressed)
            {
                Decompress(value, destination[..length]);
            }
            else
            {
                value.CopyTo(destination);
            }

            return true;
        }
        finally
        {
            HazardAccess.End(ref *word);
        }
    }

    private CacheLease Restore(ulong* word, byte* record, ReadOnlySpan<byte> value)
    {
        try
        {
            int length = CacheRecord.LengthOf(record);
            var block = (byte*)_store.Heap.Alloc((nuint)length);
            try
            {
                Decompress(value, new Span<byte>(block, length));
            }
            catch
            {
                _store.Heap.Free(block);
                throw;
            }

            return new CacheLease(_store.Heap, block, length);
        }
        finally
        {
            HazardAccess.End(ref *word);
        }
    }

    private void Decompress(ReadOnlySpan<byte> stored, Span<byte> destination)
    {
        if (!Options.Codec!.TryDecompress(stored, destination))
        {
            ThrowCorrupted(stored.Length, destination.Length);
        }
    }

    [DoesNotReturn]
    private void ThrowCorrupted(int stored, int length) => throw new Diagnostics.InvariantViolationException(
        $"The codec '{Options.Codec!.Name}' cannot restore a value of {length} bytes that it compressed to {stored}.");
}
