using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using NativeMm.AddressSpaces;
using NativeMm.Diagnostics;
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
        CacheTable* table = _readers.Enter(own, ref _roots[(uint)(hash >> 32) & _shardMask]);
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
        CacheTable* table = _readers.Enter(own, ref _roots[(uint)(hash >> 32) & _shardMask]);
        while (true)
        {
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

            if (!isUse || !CacheRecord.At(record).IsSliding || CacheRenewal.TryRenew(table, bucket, slot, record, now))
            {
                if (isUse && bucket->Used[slot] == 0)
                {
                    bucket->Used[slot] = 1;
                }

                return record;
            }
        }
    }

    /// <summary>Turns a lookup into a lease.</summary>
    /// <param name="own">The thread's slot.</param>
    /// <param name="word">A word of it that is free.</param>
    /// <param name="lease">What it says then.</param>
    /// <param name="record">The record.</param>
    private static ReadOnlySpan<byte> BeginLease(AccessSlot* own, ulong* word, ulong lease, byte* record)
    {
        ReadOnlySpan<byte> value = CacheRecord.ValueOf(record);
        Invariant.Assert(own->Access != 0 && !CacheRecord.At(record).IsFree, "A lease begins outside of a lookup, on a record that may be gone.");
        CacheReaders.ExitLeased(own, word, lease);
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
        ReadOnlySpan<byte> value = BeginLease(own, word, _readers.CallOf(record), record);
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
            GC.KeepAlive(this);
        }
    }

    /// <summary>Turns a lookup of a value that is kept compressed into a lease on a copy.</summary>
    /// <param name="own">The thread's slot.</param>
    /// <param name="word">A word of it that is free.</param>
    /// <param name="record">The record.</param>
    /// <param name="isCall">Whether the caller gives the lease up before he returns to the program.</param>
    private CacheLease Restore(AccessSlot* own, ulong* word, byte* record, bool isCall)
    {
        int length = CacheRecord.LengthOf(record);
        ReadOnlySpan<byte> value = BeginLease(own, word, _readers.CallOf(record), record);
        byte* block = null;
        try
        {
            block = (byte*)_store.Heap.AllocHere((nuint)length);
            Decompress(value, new Span<byte>(block, length));
        }
        catch
        {
            if (block != null)
            {
                _store.Heap.FreeForgotten(block);
            }

            HazardAccess.End(ref *word);
            throw;
        }

        Atomic.StoreRelease(ref *word, _readers.CopyOf(isCall));
        return new CacheLease(this, word, _store.Heap, block, length);
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
