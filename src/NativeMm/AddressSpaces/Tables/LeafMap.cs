// Purpose      the leaf of a page by one load: what an access that hits needs of the tables, beside them.
// States       a word for each 2 MiB of the first TiB: 0, or the address of the leaf that hangs in the tables there. 0 says nothing: who finds it walks.
// Transitions  0 → leaf where the leaf is hung up, leaf → 0 where it is taken out, both under the lock of the table above it; whoever takes out a table with leaves
//              below clears their words under the lock of the table above each, after the records of its areas are detached.
// Ownership    words | who holds the lock of the table above the leaf | accesses with a hazard for the page | release, relaxed by dependency | that lock
// Ordering     [M1] the store of a leaf is a release, after the table was filled, and pairs with [M2], the load of an access, on which that of the entry depends.
//              [M3] a word is cleared before the fence [H2] of whoever takes the leaf out. So an access finds 0 or the new leaf, or its hazard is seen: as with
//              the upper entry, of which the word is a copy. The end replaces the map by None before its fence, so that whoever may still look at a word
//              has a hazard.
// Reuse        the memory goes when the root goes: no hazard of the space was left then.
// Progress     wait-free.
// Source       decision 0011.

using System.Diagnostics.CodeAnalysis;
using NativeMm.Diagnostics;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <summary>Where the leaves of the lower part of a space are. A value; <c>default</c> is one that knows none.</summary>
internal readonly unsafe struct LeafMap
{
    /// <summary>Pages that a map knows the leaves of, from the first: 1 TiB.</summary>
    public const ulong PagesMax = 1UL << 28;

    /// <summary>Leaves that a map knows.</summary>
    public const ulong Leaves = PagesMax / SharedTables.Entries;

    /// <summary>An address without these bits is the number of its leaf.</summary>
    public const int Shift = Pfn.FrameShift + PageTables.LevelBits;

    private const nuint Bytes = (nuint)(Leaves * sizeof(ulong));

    private static nuint s_none;

    private readonly ulong* _words;
    private readonly ulong _pages;

    /// <summary>A map in memory of the caller's, that reads as zero.</summary>
    /// <param name="words">A word for each leaf.</param>
    /// <param name="pages">Pages that it knows the leaves of.</param>
    public LeafMap(ulong* words, ulong pages)
    {
        _words = words;
        _pages = pages;
    }

    /// <summary>Words of <see cref="PagesMax"/> pages that are always 0. From the second time on it is only read.</summary>
    /// <exception cref="OutOfMemoryException">There are no addresses for them; they are asked for again the next time.</exception>
    public static nuint None => Atomic.LoadAcquire(in s_none) is not 0 and var none ? none : ReserveNone();

    /// <summary>The words, as accesses use them.</summary>
    public nuint Words => _words == null ? None : (nuint)_words;

    /// <summary>Reserves a map; one that knows nothing where the system refuses it.</summary>
    public static LeafMap Reserve(IMemoryPlatform platform) =>
        platform.Reserve(Bytes, platform.PageBytes, out nuint address).Succeeded ? new LeafMap((ulong*)address, PagesMax) : default;

    /// <summary>Gives the memory of a reserved map back.</summary>
    public void Release(IMemoryPlatform platform)
    {
        if (_words != null)
        {
            platform.ReleaseOrKeep((nuint)_words, Bytes);
        }
    }

    /// <summary>Bytes of a reserved map that are in memory; 0 where the system does not say.</summary>
    public long CountBytes(IMemoryPlatform platform) =>
        _words != null && platform.CountResident((nuint)_words, Bytes, out nuint pages).Succeeded ? (long)(pages * platform.PageBytes) : 0;

    /// <summary>What the map says of a page.</summary>
    public ulong* LeafOf(ulong page) => page < _pages ? (ulong*)Atomic.LoadAcquire(in WordOf(page)) : null;

    /// <summary>Whether the map knows the page's leaf when there is one.</summary>
    public bool Knows(ulong page) => page < _pages;

    /// <summary>Has the system commit the words of the GiB around a page, so that nobody waits for that under a lock.</summary>
    public void Commit(ulong page)
    {
        if (page < _pages)
        {
            _ = Atomic.CompareExchange(ref WordOf(page), 0, 0);
        }
    }

    /// <summary>Says where a leaf is. The caller holds the lock of the table above.</summary>
    public void Set(ulong page, ulong* leaf)
    {
        if (page < _pages)
        {
            Invariant.Assert(!SharedTables.Contains(leaf) && Atomic.LoadAcquire(in WordOf(page)) == 0, $"The leaf of page {page:x} is 0x{(nuint)leaf:x} and was another one.");
            Atomic.StoreRelease(ref WordOf(page), (ulong)leaf); // [M1] pairs with [M2]
        }
    }

    /// <summary>Says that a leaf is nowhere, before the fence of whoever takes it out.</summary>
    public void Clear(ulong page)
    {
        if (page < _pages)
        {
            Atomic.StoreRelease(ref WordOf(page), 0); // [M3] pairs with [H1], by the fence [H2]
        }
    }

    private ref ulong WordOf(ulong page) => ref _words[page / SharedTables.Entries];

    [SuppressMessage("Usage", "CA2201:Do not raise reserved exception types", Justification = "There is no memory.")]
    private static nuint ReserveNone()
    {
        IMemoryPlatform platform = SystemPlatform.Current;
        PlatformResult result = platform.ReserveClosed(Bytes, platform.PageBytes, readable: true, out nuint address);
        if (!result.Succeeded)
        {
            throw new OutOfMemoryException($"The system refuses {Bytes} bytes of addresses for page tables: {result}.{ResourceLimits.ExplainAddresses()}");
        }

        if (!Atomic.CompareExchange(ref s_none, 0, address))
        {
            platform.ReleaseOrKeep(address, Bytes);
        }

        return Atomic.LoadAcquire(in s_none);
    }
}
