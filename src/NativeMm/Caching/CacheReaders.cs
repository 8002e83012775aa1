// Purpose      lookups read the index and the records without a lock and without a write to a line that another core reads again and again; what they may be
//              reading is not used for anything else until they are done.
// States       a thread's word (AccessSlot.Access): 0, or the cache's key with the number of the lookup. A word for each lease: 0, or the cache's key with the
//              address of the record; with the bit WholeLeaf when a call holds it, which gives it up before it returns, and that the end waits for.
// Transitions  0 → lookup → 0, 0 → lease → 0: by the thread, plain stores. A lease begins inside of a lookup. What is decompressed is a copy: then the word
//              names no record any more, and keeps the cache from ending.
//              An entry's slot: one → two, the second nearer to its home → that one alone, by the holder of the shard's lock. It leaves the first when the lookups
//              that were under way are done [R2]: they may have passed the second before the entry was there, and later ones come to it first.
// Ownership    the words | their thread | whoever frees, after a process-wide fence. Index and records | the holder of the shard's lock | lookups.
// Ordering     [R1] a lookup stores its word, then reads the root of the index; [R2] whoever frees has unlinked, passes a process-wide fence, and looks at the
//              words. The fence falls between two instructions of the lookup: if before its read of the root, it does not find what was unlinked; else its
//              word is seen, and waited for. [R3] the end of a lookup is a release store and pairs with the acquire loads of [R2]: its reads, and the
//              lease that it left behind [R4], come before.
//              [K1] a lookup reads a slot with acquire and finds the record that was written before [K2], the release that published it.
//              [V1] whoever moves a record that slides publishes its new place, passes a fence, and reads the deadline of the old one once more; [V2] a lookup
//              that renewed a deadline passes a fence, and reads the place again. One of the two sees the other: no renewal is lost. The index
//              is not replaced meanwhile: whoever replaces it waits for the lookup.
// Reuse        each lookup of a thread has another number, so that a thread that looks up again and again is not waited for twice.
// Progress     lookups are wait-free, and do not notice that the index is replaced. Whoever frees waits for lookups that were under way, which copy at
//              most a few KiB; what is longer, or calls a program's code, is a lease. What is leased is left for the next time.
// Source       asymmetric fences and hazards as in AddressSpaces/Access/AccessSlot.cs, whose words these are; a cache takes a key among those of spaces.

using System.Runtime.CompilerServices;
using NativeMm.AddressSpaces;
using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Caching;

/// <summary>Who reads a cache at this moment, and how to wait for them.</summary>
/// <param name="key">The cache's key, from <see cref="AccessSlots.NextSpaceKey"/>.</param>
internal readonly unsafe struct CacheReaders(ulong key)
{
    private const ulong NumberMask = Hazard.WholeLeaf - 1;

    /// <summary>Begins a lookup.</summary>
    /// <param name="own">The thread's slot.</param>
    /// <param name="root">Where the index is.</param>
    /// <returns>The index; null when the cache has ended.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public CacheTable* Enter(AccessSlot* own, ref nuint root)
    {
        Invariant.Assert(own == AccessSlotThread.t_slot && own->Access == 0, $"A lookup begins in the slot of another thread, or inside of an access {own->Access:x}.");
        Atomic.StoreRelease(ref own->Access, key | (++own->Lookups & NumberMask)); // [R1] pairs with [R2]
        return (CacheTable*)Atomic.LoadAcquire(in root); // [K1] pairs with [K2]
    }

    /// <summary>Ends a lookup.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Exit(AccessSlot* own)
    {
        Invariant.Assert(own == AccessSlotThread.t_slot && own->Access != 0, "A lookup ends that is not under way.");
        Atomic.StoreRelease(ref own->Access, 0); // [R3] pairs with [R2]
    }

    /// <summary>Ends a lookup, and leaves a lease on what it found behind.</summary>
    /// <param name="own">The thread's slot.</param>
    /// <param name="word">A word of it that is free.</param>
    /// <param name="lease">What it says from now on.</param>
    public static void ExitLeased(AccessSlot* own, ulong* word, ulong lease)
    {
        Invariant.Assert(*word == 0 && lease != 0, $"A lease {lease:x} takes a word that says {*word:x}.");
        Atomic.StoreRelease(ref *word, lease); // [R4] pairs with [R2]
        Exit(own);
    }

    /// <summary>What the word of a lease says that a program holds.</summary>
    public ulong LeaseOf(byte* record) => key | (((nuint)record / CacheRecord.UnitBytes) & NumberMask);

    /// <summary>What the word of a lease says that a call holds until it returns. It keeps the 4 KiB around the record's begin.</summary>
    public ulong CallOf(byte* record) => LeaseOf(record) | Hazard.WholeLeaf;

    /// <summary>What the word says of who holds a copy, of no record: its cache must not end. A program, or a call until it returns.</summary>
    public ulong CopyOf(bool isCall) => isCall ? key | Hazard.WholeLeaf : key;

    /// <summary>Waits for all lookups that may have found what was unlinked before the call.</summary>
    /// <param name="words">Room for <see cref="Hazards.Capacity"/> words.</param>
    /// <returns>The leases.</returns>
    public Hazards Await(Span<ulong> words)
    {
        Invariant.Assert(AccessSlotThread.t_slot == null || !IsMine(AccessSlotThread.t_slot->Access), "A thread waits for lookups, and is inside of one.");
        Atomic.ProcessWideFence(); // [R2] pairs with [R1], [R3]
        Hazards.AwaitAccesses(key, 0, Hazard.WholeLeaf);
        return Hazards.LookAgain(key, words);
    }

    /// <summary>Whether any program has a lease. Those of calls end by themselves, and do not count.</summary>
    public bool HasLeases()
    {
        AccessSlots.EndLeasesOfDead();
        Atomic.ProcessWideFence(); // [R2] pairs with [R1], [R3]
        int count = AccessSlots.Count;
        for (int i = 0; i < count; i++)
        {
            for (int index = 0; index < AccessSlot.LeasesMax; index++)
            {
                ulong word = Atomic.LoadAcquire(in *AccessSlot.LeaseWord(AccessSlots.At(i), index));
                if (IsMine(word) && (word & Hazard.WholeLeaf) == 0)
                {
                    return true;
                }
            }
        }

        return false;
    }

    /// <summary>Whether a thread is inside of a lookup, or has a lease.</summary>
    /// <param name="own">The calling thread's slot; null when it has none yet.</param>
    public bool IsInside(AccessSlot* own)
    {
        bool isInside = false;
        for (int index = 0; own != null && index < AccessSlot.Words; index++)
        {
            isInside |= IsMine(AccessSlot.Word(own, index));
        }

        return isInside;
    }

    /// <summary>Whether a lease is of a record that lies in a piece of memory. With more leases than a look holds, the words are looked at once more.</summary>
    public bool IsLeased(in Hazards leases, nuint address, long bytes)
    {
        Invariant.Assert(address != 0 && bytes >= CacheRecord.UnitBytes, $"Leases of {bytes} bytes at {address:x} are looked for.");
        ulong first = (address / CacheRecord.UnitBytes) & NumberMask;
        ulong end = first + ((ulong)bytes / CacheRecord.UnitBytes);
        return leases.IsOverflown ? Hazards.IsLeased(key, first, end) : !leases.IsEmpty && leases.TouchesAny(first, end);
    }

    private bool IsMine(ulong word) => word != 0 && new Hazard(word).Key == key;
}
