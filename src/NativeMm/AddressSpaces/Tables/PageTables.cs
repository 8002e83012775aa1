// Purpose      page tables of four levels in frames, read without a lock by accesses and faults, changed under a lock for each table.
// States       an upper entry: the address of a table of the next level. SharedTables.Empty(level): there is none. SharedTables.CollapsingLeaf: the leaf is
//              out while its pages are gathered in one block. A leaf entry: LeafEntry. A leaf whose 512 pages lie in one block in order is huge (TableHead.IsHuge):
//              the block needs no entry of its own, and accesses do not see the difference; to split it is to forget that. What becomes of its frames: FrameHead.
// Transitions  upper: empty → table by a fault or a writer of the space; table → empty by a writer alone, when nothing is populated below;
//              table → collapsing → table by the collapser, who is a reader of the space. All under the lock of the upper table and, but for the first,
//              under that of the lower one.
// Ownership    field             | who writes                        | who reads | how              | guard
//              upper, leaf entry | faults, writers, reclaim, collapse | anybody   | release, acquire | lock of the table that the entry is in
//              population, huge  | the same                          | the same  | plain            | that lock
//              parent, level     | who makes the table               | anybody   | plain, before it is published
// Ordering     [T1], [T2] in LeafEntry; upper entries are published and read in the same way.
//              [T3] a fault takes the lock of the table that it changes, then sees that the table still hangs where it found it, then that its record is not
//              detached ([V1] of the areas). A writer detaches first, and then takes the same lock, of the leaf where there is one and of the upper table where
//              there is none. So what a fault installed in time the writer finds, and a fault that comes later gives up.
// Reuse        tables and frames that were taken out are freed after a look at the hazards (Hazards.Look): who walked to a table, or read the address of a
//              frame, has a hazard for the page.
// Progress     walks are wait-free. Sections under the locks are short; nothing is allocated or freed under them, and nothing called but what counts slots and pages.
// Source       Linux's page tables and Documentation/mm/process_addrs; the deposited leaf of its huge pages, which here is in use all the time.

using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <summary>The page tables of a space. Thread-safe as <see cref="IPageTables"/> says.</summary>
internal sealed unsafe partial class PageTables : IPageTables, IDisposable
{
    /// <summary>Bits of a page's number.</summary>
    public const int PageBits = 35;

    /// <summary>Pages of a space: 2⁴⁷ bytes.</summary>
    public const ulong Pages = 1UL << PageBits;

    /// <summary>Level of the root.</summary>
    public const int RootLevel = 3;

    /// <summary>Bits of a page's number for each level.</summary>
    public const int LevelBits = 9;

    /// <summary>What is not the address in a word that holds one of a frame.</summary>
    public const ulong LowMask = Pfn.FrameBytes - 1;

    private const ulong IndexMask = SharedTables.Entries - 1;

    private readonly IFrameAllocator _frames;
    private readonly FrameZone _zone;
    private ISwapBackend? _swap;
    private readonly DeferredFrames _deferred;
    private Residency? _residency;
    private ulong* _root;
    private LeafMap _leaves;

    /// <summary>Makes a root.</summary>
    /// <param name="frames">Where tables and pages come from.</param>
    /// <param name="swap">Where pages go that have no frame; the caller's. Null when none leave.</param>
    /// <exception cref="OutOfMemoryException">There is no frame for the root.</exception>
    public PageTables(IFrameAllocator frames, ISwapBackend? swap = null)
    {
        _frames = frames;
        _zone = frames.Zone;
        _swap = swap;
        _splitter = frames is IFrameSource { CanSplit: true } source ? source : null;
        Key = AccessSlots.NextSpaceKey();
        _deferred = new DeferredFrames(this);
        _root = TryMakeTable(RootLevel, 0, null, FrameFlags.None);
        if (_root == null)
        {
            throw OutOfFrames.For(frames, Pfn.FrameBytes);
        }
    }

    /// <summary>Where tables and pages come from.</summary>
    public IFrameAllocator Frames => _frames;

    /// <summary>The number of the space, as it stands in hazards.</summary>
    public ulong Key { get; }

    /// <summary>The root, which accesses begin at.</summary>
    public ulong* Root => _root;

    /// <summary>Where leaves are, for accesses.</summary>
    public LeafMap Leaves => _leaves;

    /// <summary>Where pages go that have no frame, or null.</summary>
    public ISwapBackend? Swap => _swap;

    /// <summary>Who is told of pages that came back; set before the first fault.</summary>
    public ISwapInObserver? SwapIns { get; set; }

    /// <summary>What waits for hazards to go.</summary>
    public DeferredFrames Deferred => _deferred;

    /// <summary>The next one in the list of those that ended too early.</summary>
    public PageTables? NextOrphan { get; set; }

    /// <summary>Who keeps the number of resident pages down, or null. Set before the first page comes.</summary>
    public Residency? Residency
    {
        get => _residency;
        set => _residency = value;
    }

    /// <summary>The entry of a page, in its leaf or in one that stands for none. The caller has a hazard for the page or holds the space's lock.</summary>
    /// <param name="root">The root.</param>
    /// <param name="page">The page, below <see cref="Pages"/>.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong* EntryOf(ulong* root, ulong page)
    {
        // Each load depends on the one before: nothing else keeps them in order.
        ulong* table = (ulong*)Atomic.LoadRelaxed(in root[page >> (3 * LevelBits)]);
        table = (ulong*)Atomic.LoadRelaxed(in table[(page >> (2 * LevelBits)) & IndexMask]);
        table = (ulong*)Atomic.LoadRelaxed(in table[(page >> LevelBits) & IndexMask]);
        return table + (page & IndexMask);
    }

    /// <summary>Keeps a map of the leaves from here on. Nobody uses the tables yet, and no leaf is there.</summary>
    public void BeginLeaves(LeafMap leaves) => _leaves = leaves;

    /// <summary>The upper entry that refers to a page's leaf. The caller has a hazard for the page or holds the space's lock.</summary>
    public ulong* UpperEntryOf(ulong page, int level, ulong* root)
    {
        Invariant.Assert(level is >= 0 and <= RootLevel && page < Pages, $"The entry of level {level} of page {page:x} is wanted.");
        ulong* table = root;
        for (int at = RootLevel; at > level; at--)
        {
            table = (ulong*)Atomic.LoadAcquire(in table[Index(page, at)]);
        }

        return table + Index(page, level);
    }

    /// <summary>What the entry of a page says at this moment, as far as nobody changes it.</summary>
    public LeafEntry Look(ulong page) => new(Atomic.LoadAcquire(in *EntryOf(_root, page)));

    /// <summary>A table's head.</summary>
    public ref TableHead HeadOf(ulong* table) =>
        ref Unsafe.As<ulong, TableHead>(ref _zone.Descriptor(_zone.FrameOf(table)).OwnerWords[0]);

    /// <summary>The head of a frame that holds a page.</summary>
    /// <param name="address">Its address.</param>
    public ref FrameHead FrameOf(nuint address) =>
        ref Unsafe.As<ulong, FrameHead>(ref _zone.Descriptor(_zone.FrameOf((void*)address)).OwnerWords[0]);

    /// <summary>Pages that an entry of a level stands for.</summary>
    public static ulong Span(int level) => 1UL << (level * LevelBits);

    /// <summary>Where a page's entry is in a table of a level.</summary>
    public static int Index(ulong page, int level) => (int)((page >> (level * LevelBits)) & IndexMask);

    /// <summary>Whether a table hangs where its head says. The caller holds its lock.</summary>
    public bool IsLinked(ulong* table, ref TableHead head) => head.Parent != null && Atomic.LoadAcquire(in *head.Parent) == (ulong)table;

    /// <summary>Writes an entry of a leaf and counts. The caller holds the leaf's lock.</summary>
    public static void Put(ref TableHead head, ulong* entry, LeafEntry value)
    {
        Invariant.Assert(value.IsDecided, $"A page becomes {value}.");
        var before = new LeafEntry(*entry);
        Atomic.StoreRelease(ref *entry, value.Word); // [T1] pairs with [T2]
        Invariant.Assert(head.Level == 0, $"An entry of a page is written to a table of level {head.Level}.");
        head.Population += (ushort)(before.IsEmpty ? 1 : 0);
        head.Population -= (ushort)(value.IsEmpty ? 1 : 0);
        Invariant.Assert(head.Population <= SharedTables.Entries, $"A leaf has {head.Population} pages.");
    }
}
