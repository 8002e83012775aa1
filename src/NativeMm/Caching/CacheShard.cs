using System.Diagnostics.CodeAnalysis;
using NativeMm.AddressSpaces;
using NativeMm.Diagnostics;
using NativeMm.Eviction;
using NativeMm.Primitives;

namespace NativeMm.Caching;

/// <summary>
/// A part of a cache: the entries whose hashes lead here, their memory, and who of them goes. Whoever changes something holds <see cref="Lock"/>; lookups read what
/// <see cref="_root"/> leads to (see <see cref="CacheReaders"/>).
/// </summary>
/// <typeparam name="TPolicy">Who goes.</typeparam>
[SuppressMessage("Design", "CA1001:Types that own disposable fields should be disposable", Justification = "Ends with its cache.")]
internal sealed unsafe partial class CacheShard<TPolicy>
    where TPolicy : struct, IReplacementPolicy
{
    private const int LimboLength = 1024;

    // An index of which less than this part is in use is too large. The next one has room for a quarter more than there is.
    private const uint SparseShare = 2;
    private const uint RoomShare = 4;

    // An index grows by one part in so many, a large one by less: what it has too much is memory, and moving an entry costs a small part of setting it.
    private const uint GrowShare = 4;
    private const uint LargeGrowShare = 8;
    private const uint LargeBucketsMin = 4096;

    private readonly CacheReaders _readers;
    private readonly CacheBudget _budget;
    private readonly CacheHash _hash;
    private readonly bool _hasListener;
    private readonly nuint* _root;

    // Unlinked, and perhaps still being read.
    private uint[] _limbo = new uint[LimboLength];
    private int _limboCount;

    private CacheTable* _table;
    private TPolicy _policy;
    private EvictionHistory _history;
    private uint _count;
    private uint _evictable;
    private uint _expiring;
    private uint _sweep;

    // No entry that may expire does so earlier, for all that is known.
    private long _firstDeadline = CacheTimes.Never;
    private long _indexBytes;

    /// <summary>Makes an empty shard.</summary>
    /// <param name="root">Where lookups find its index.</param>
    /// <param name="table">An empty index, which is the shard's from here on.</param>
    /// <param name="space">Its memory.</param>
    /// <param name="readers">Who looks things up.</param>
    /// <param name="budget">What the memory counts against.</param>
    /// <param name="hash">Hashes keys.</param>
    /// <param name="options">The cache's options.</param>
    public CacheShard(
        nuint* root, CacheTable* table, CacheSpace space, CacheReaders readers, CacheBudget budget, CacheHash hash, NativeCacheOptions options)
    {
        _root = root;
        _readers = readers;
        _budget = budget;
        _hash = hash;
        _hasListener = options.Evicted is not null;
        Space = space;
        Use(table);
    }

    /// <summary>Guards everything but lookups.</summary>
    [SuppressMessage("Design", "CA1051:Do not declare visible instance fields", Justification = "A mutable struct is a field.")]
    public SleepLock Lock;

    /// <summary>The time, set by whoever took the lock: the clock may be a program's code, which no lock is held over.</summary>
    public long Now { get; set; }

    /// <summary>The memory of records.</summary>
    public CacheSpace Space { get; }

    /// <summary>Entries.</summary>
    public uint Count => _count;

    /// <summary>Bytes of keys and stored values.</summary>
    public long EntryBytes { get; private set; }

    /// <summary>What the index counts against the limit. Anybody may ask, who could not read the index itself: it may go at any moment.</summary>
    public long IndexBytes => Atomic.LoadAcquire(in _indexBytes);

    /// <summary>Entries stored.</summary>
    public long Sets { get; private set; }

    /// <summary>Entries that left to make room.</summary>
    public long Evictions { get; private set; }

    /// <summary>Entries that left because their time was over.</summary>
    public long Expirations { get; private set; }

    /// <summary>Who left and is yet to be told of; null when nobody listens.</summary>
    public List<CacheFarewell>? Farewells { get; private set; }

    /// <summary>Buckets that the next index should have.</summary>
    public uint NextBuckets { get; private set; }

    /// <summary>Whether the index takes no further entry.</summary>
    public bool IsFull => _count >= _table->CountMax;

    /// <summary>Buckets that the index should have when it has far too many for its entries; else 0.</summary>
    public uint FewerBuckets
    {
        get
        {
            uint buckets = uint.Max(CacheTable.BucketsMin, CacheTable.BucketsFor(_count + (_count / RoomShare)));
            return _count < _table->CountMax / SparseShare && buckets < _table->BucketCount ? buckets : 0;
        }
    }

    /// <summary>Takes the list of those who left, for the caller to tell outside of the lock.</summary>
    public List<CacheFarewell>? TakeFarewells()
    {
        List<CacheFarewell>? taken = Farewells;
        Farewells = null;
        return taken;
    }

    /// <summary>Stores an entry in a block of the shard's segments.</summary>
    public CacheOutcome Set(in CacheItem item)
    {
        Invariant.Assert(Lock.IsHeldByCurrentThread, "An entry is set without the lock.");
        uint number = CacheTable.Find(_table, item.Hash, item.Key, out byte* old);
        if (old == null && IsFull)
        {
            return CacheOutcome.NeedsTable;
        }

        uint units = (uint)((CacheRecord.BytesOf(item, jumbo: false) + CacheRecord.UnitBytes - 1) / CacheRecord.UnitBytes);
        if (!Space.TryAlloc(units, out uint location, out uint granted))
        {
            if (!MakeRoom(units, out location, out granted))
            {
                return CacheOutcome.NeedsRoom;
            }

            // To make room, the old one may have gone, or moved.
            number = CacheTable.Find(_table, item.Hash, item.Key, out old);
        }

        Invariant.Assert(granted >= units, $"A record of {units} units got {granted}.");
        CacheRecord.Write(Space.AddressOf(location), item, granted);
        Link(item, location, old == null ? null : number);
        return CacheOutcome.Done;
    }

    /// <summary>Stores an entry whose record is written already, in a segment of its own.</summary>
    public CacheOutcome SetLarge(in CacheItem item, nuint record, long charge)
    {
        Invariant.Assert(Lock.IsHeldByCurrentThread && CacheRecord.At((byte*)record).IsJumbo, "An entry is set without the lock, or its record says that it shares its segment.");
        uint number = CacheTable.Find(_table, item.Hash, item.Key, out byte* old);
        if (old == null && IsFull)
        {
            return CacheOutcome.NeedsTable;
        }

        uint location = Space.AdoptLarge(record, charge);
        if (location == 0)
        {
            return CacheOutcome.NeedsRoom;
        }

        Link(item, location, old == null ? null : number);
        return CacheOutcome.Done;
    }

    /// <summary>Removes an entry.</summary>
    /// <returns>Whether there was one that had not expired.</returns>
    public bool Remove(ulong hash, ReadOnlySpan<byte> key, CacheEvictionReason reason)
    {
        Invariant.Assert(Lock.IsHeldByCurrentThread, "An entry is removed without the lock.");
        uint number = CacheTable.Find(_table, hash, key, out byte* record);
        if (record == null)
        {
            return false;
        }

        bool expired = CacheRecord.IsExpired(record, Now);
        Unlink(number, expired ? CacheEvictionReason.Expired : reason);
        if (_holeCount == HolesMax)
        {
            Mend();
        }

        return !expired;
    }

    /// <summary>Removes all entries.</summary>
    public void Clear()
    {
        for (uint number = 0; number < _table->SlotCount; number++)
        {
            if (CacheTable.WordAt(_table, number) != 0)
            {
                Unlink(number, CacheEvictionReason.Removed);
            }
        }

        Invariant.Assert(_count == 0 && _evictable == 0 && _expiring == 0 && EntryBytes == 0, $"A shard that was cleared counts {_count} entries of {EntryBytes} bytes.");
        Settle();
        Space.ReleaseEmpty(0);
    }

    /// <summary>Moves to a larger index.</summary>
    /// <inheritdoc cref="Replace"/>
    public CacheTable* Grow(CacheTable* table) => table->BucketCount > _table->BucketCount ? Replace(table) : table;

    /// <summary>Moves to a smaller index.</summary>
    /// <inheritdoc cref="Replace"/>
    public CacheTable* Shrink(CacheTable* table) =>
        table->BucketCount < _table->BucketCount && _count < table->CountMax / 8 * 7 ? Replace(table) : table;

    /// <summary>Moves to another index. Lookups that are under way go on in the old one, and are waited for.</summary>
    /// <param name="table">An empty one, charged.</param>
    /// <returns>The index to be freed: the old one, or the given one when it is not needed any more.</returns>
    private CacheTable* Replace(CacheTable* table)
    {
        Invariant.Assert(Lock.IsHeldByCurrentThread && table->CountMax >= _count, $"An index for {table->CountMax} entries takes the place of one with {_count}, or without the lock.");
        CacheTable* old = _table;
        uint evictable = _evictable;
        Use(table);
        _evictable = 0;
        _sweep = 0;
        for (uint number = 0; number < old->SlotCount; number++)
        {
            var slot = new CacheSlot(CacheTable.WordAt(old, number));
            if (slot.Word != 0)
            {
                uint to = CacheTable.Add(table, slot);
                CacheTable.UsedAt(table, to) = CacheTable.UsedAt(old, number);
                Admit(to, slot, history: 0);
            }
        }

        Invariant.Assert(_evictable == evictable, $"Of {evictable} entries that may go, {_evictable} came into the new index.");
        Invariant.Assert(Atomic.LoadAcquire(in *_root) == (nuint)old, "Lookups found another index than the one that is replaced.");
        Atomic.StoreRelease(ref *_root, (nuint)table); // [K2] pairs with [K1]
        Span<ulong> words = stackalloc ulong[Hazards.Capacity];
        Hazards leases = _readers.Await(words);
        Free(leases);
        return old;
    }

    /// <summary>Gives all memory back. The root is cleared, and nobody reads any more.</summary>
    /// <returns>The index to be freed.</returns>
    public CacheTable* End()
    {
        Invariant.Assert(Atomic.LoadAcquire(in *_root) == 0, "The memory of a shard goes while lookups find its index.");
        Space.End();
        CacheTable* table = _table;
        _table = null;
        Atomic.StoreRelease(ref _indexBytes, 0);
        _count = 0;
        return table;
    }

    /// <summary>Makes an index the one in force, with a policy that knows nobody, and remembers nobody who left.</summary>
    private void Use(CacheTable* table)
    {
        Invariant.Assert(table->Segments == Space.Segments && table->Charge > 0, "An index is used that was made for another shard, or is not charged.");
        _table = table;
        _holeCount = 0;
        Atomic.StoreRelease(ref _indexBytes, table->Charge);
        _policy = default;
        _policy.Attach(CacheTable.PolicyOf(table), table->SlotCount, table->CountMax);
        _history.Attach(CacheTable.HistoryOf(table), table->CountMax, int.Max(1, TPolicy.HistoryBits));
        uint more = table->BucketCount / (table->BucketCount < LargeBucketsMin ? GrowShare : LargeGrowShare);
        NextBuckets = uint.Min(CacheTable.BucketsMax, table->BucketCount + uint.Max(more, CacheTable.BucketsMin));
        if (Atomic.LoadAcquire(in *_root) == 0)
        {
            Atomic.StoreRelease(ref *_root, (nuint)table);
        }
    }

    /// <summary>Makes a record an entry, in the place of the old one of its key.</summary>
    private void Link(in CacheItem item, uint location, uint? number)
    {
        Invariant.Assert(Lock.IsHeldByCurrentThread && (number is not null || !IsFull), "An entry comes into an index that is full, or without the lock.");
        CacheSlot slot = item.SlotAt(location);
        _firstDeadline = long.Min(_firstDeadline, item.Times.Deadline);
        Sets++;
        EntryBytes += item.Key.Length + item.Stored.Length;
        if (number is not { } at)
        {
            at = CacheTable.Add(_table, slot);
            _count++;
            _expiring += slot.Expires ? 1u : 0;
            Admit(at, slot, _history.Take(item.Hash));
            return;
        }

        ref ulong word = ref CacheTable.WordAt(_table, at);
        var old = new CacheSlot(word);
        Invariant.Assert(
            old.Tag == slot.Tag && old.Location != 0 && old.Location != location, $"An entry at {location:x} takes the place of one at {old.Location:x} that is not of its key.");
        byte* record = Space.AddressOf(old.Location);
        bool expired = CacheRecord.IsExpired(record, Now);
        Part(record, expired ? CacheEvictionReason.Expired : CacheEvictionReason.Replaced);
        Atomic.StoreRelease(ref word, slot.Word); // [K2] pairs with [K1]
        _expiring += (slot.Expires ? 1u : 0) - (old.Expires ? 1u : 0);
        if ((old.Priority == CachePriority.NeverRemove) != (slot.Priority == CachePriority.NeverRemove))
        {
            Dismiss(at, old);
            Admit(at, slot, history: 0);
        }
        else
        {
            CacheTable.UsedAt(_table, at) = 1;
        }

        Retire(old.Location);
    }

    /// <summary>Takes an entry out; its record waits for its readers.</summary>
    private void Unlink(uint number, CacheEvictionReason reason)
    {
        var slot = new CacheSlot(CacheTable.WordAt(_table, number));
        Dismiss(number, slot);
        Detach(number, slot, reason);
    }

    private void Detach(uint number, CacheSlot slot, CacheEvictionReason reason)
    {
        Invariant.Assert(Lock.IsHeldByCurrentThread && _count > 0, $"An entry leaves a shard of {_count}, or without the lock.");
        Invariant.Assert(CacheTable.WordAt(_table, number) == slot.Word, $"The entry of slot {number} changed while it was leaving.");
        Invariant.Assert(!slot.Expires || _expiring > 0, "An entry that may expire leaves a shard that counts none.");
        Part(Space.AddressOf(slot.Location), reason);
        CacheTable.Remove(_table, number);
        NoteHole(number);
        _count--;
        _expiring -= slot.Expires ? 1u : 0;
        Retire(slot.Location);
    }

    /// <summary>Counts an entry that leaves, and notes it for those who listen.</summary>
    private void Part(byte* record, CacheEvictionReason reason)
    {
        CacheRecord head = CacheRecord.At(record);
        Invariant.Assert(!head.IsFree && head.KeyLength <= NativeCacheOptions.KeyBytesMax, $"An entry leaves whose record says {head.Word:x}.");
        EntryBytes -= head.KeyLength + CacheRecord.ValueOf(record).Length;
        Invariant.Assert(EntryBytes >= 0, $"The entries of a shard have {EntryBytes} bytes after one of them went.");
        Evictions += reason == CacheEvictionReason.Capacity ? 1 : 0;
        Expirations += reason == CacheEvictionReason.Expired ? 1 : 0;
        if (_hasListener)
        {
            Note(record, reason);
        }
    }

    private void Note(byte* record, CacheEvictionReason reason)
    {
        try
        {
            (Farewells ??= []).Add(new CacheFarewell(CacheRecord.KeyOf(record).ToArray(), CacheRecord.LengthOf(record), reason));
        }
        catch (OutOfMemoryException)
        {
            // Managed memory is full. An entry that leaves must leave: nobody is told of this one.
        }
    }

    private void Admit(uint number, CacheSlot slot, uint history)
    {
        if (slot.Priority != CachePriority.NeverRemove)
        {
            _evictable++;
            Invariant.Assert(_evictable <= _count, $"{_evictable} of {_count} entries may go.");
            _policy.Insert(CacheTable.ItemOf(_table, number), history);
        }
    }

    private void Dismiss(uint number, CacheSlot slot)
    {
        if (slot.Priority != CachePriority.NeverRemove)
        {
            Invariant.Assert(_evictable > 0, "An entry leaves the policy, which has none.");
            _evictable--;
            _policy.Remove(CacheTable.ItemOf(_table, number));
        }
    }
}
