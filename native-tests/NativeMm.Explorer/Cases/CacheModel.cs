using NativeMm.AddressSpaces;
using NativeMm.Caching;
using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;
using NativeMm.Primitives;

namespace NativeMm.Explorer.Cases;

/// <summary>The index of a cache with places for a few records, those who read it, and lookups as the library makes them.</summary>
internal sealed unsafe class CacheModel
{
    private const ulong Hash = 0x1234_5678;
    private const uint RecordUnits = 16;
    private readonly nuint* _root;
    private readonly CacheSegment* _segments;

    public CacheModel(int threads, uint buckets = 1)
    {
        // First, as in all cases: the pages of the strands' stacks remember where the slots of the last case were.
        AccessSlots.Lend((AccessSlot*)Arena.Take((nuint)threads * AccessSlot.Bytes), threads);
        _root = (nuint*)Arena.Take((nuint)sizeof(nuint));
        _segments = (CacheSegment*)Arena.Take(2 * CacheSegment.Bytes);
        Readers = new CacheReaders(AccessSlots.NextSpaceKey());
        _segments[1].Base = (nuint)Arena.Take(1024);
        void* block = Arena.Take((nuint)CacheTable.BytesOf(buckets, policyBytes: 0));
        Table = CacheTable.Make(block, buckets, policyBytes: 0, charge: 0, _segments);
        *_root = (nuint)Table;
    }

    /// <summary>The index.</summary>
    public CacheTable* Table { get; }

    /// <summary>Who reads.</summary>
    public CacheReaders Readers { get; }

    /// <summary>The location of a record.</summary>
    public static uint Location(uint place) => CacheSegment.LocationOf(1, place * RecordUnits);

    /// <summary>The address of a record.</summary>
    public byte* RecordAt(uint place) => CacheSegment.AddressOf(_segments, Location(place));

    /// <summary>Writes the record of the only key.</summary>
    /// <param name="place">Where.</param>
    /// <param name="sliding">Its sliding time, from 0 on; 0 for none.</param>
    public void Write(uint place, long sliding = 0)
    {
        CacheTimes times = sliding == 0 ? new CacheTimes(CacheTimes.Never, CacheTimes.Never, 0) : new CacheTimes(sliding, CacheTimes.Never, sliding);
        var item = new CacheItem { Hash = Hash, Key = "k"u8, Stored = "v"u8, Length = 1, Times = times, Priority = CachePriority.Normal };
        CacheRecord.Write(RecordAt(place), item, RecordUnits);
    }

    /// <summary>Makes a record the entry of the only key.</summary>
    public void Publish(uint place, bool expires = false) => CacheTable.Add(Table, new CacheSlot(Location(place), Hash, CachePriority.Normal, expires));

    /// <summary>Makes the first bucket full of entries that have their home there, as the only key has.</summary>
    public void FillHome()
    {
        for (uint i = 1; i <= CacheBucket.Slots; i++)
        {
            CacheTable.Add(Table, new CacheSlot(Location(i), i << 16, CachePriority.Normal, expires: false));
        }
    }

    /// <summary>Begins a lookup.</summary>
    /// <returns>The record, or null.</returns>
    public byte* Find(AccessSlot* own, out CacheBucket* bucket, out uint slot) => CacheTable.Find(Readers.Enter(own, ref *_root), Hash, "k"u8, out bucket, out slot);

    /// <summary>Waits for the lookups, as whoever frees does.</summary>
    /// <returns>Whether a record is leased.</returns>
    public bool AwaitReaders(uint place)
    {
        ulong* words = stackalloc ulong[Hazards.Capacity];
        Hazards leases = Readers.Await(new Span<ulong>(words, Hazards.Capacity));
        return Readers.IsLeased(leases, (nuint)RecordAt(place), CacheRecord.UnitBytes);
    }
}
