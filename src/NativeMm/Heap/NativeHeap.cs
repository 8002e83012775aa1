using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;
using NativeMm.Heap.Checked;
using NativeMm.Heap.Sampled;
using NativeMm.Primitives;
using StackPages = NativeMm.Platform.StackPages<NativeMm.Heap.ThreadCache>;

namespace NativeMm.Heap;

/// <summary>
/// malloc for .NET: the verbs of <see cref="System.Runtime.InteropServices.NativeMemory"/> without a P/Invoke on the hit path. Blocks of up to
/// 2 MiB come from slabs of page frames through a cache of the calling thread; larger ones straight from the operating system.
/// </summary>
/// <remarks>
/// <para>All members are thread-safe, except <see cref="Dispose"/>, which no other use may overlap. Any thread may free any block.</para>
/// <para>Blocks are aligned to 16 bytes, to their own size if that is a power of two of at most 2 MiB, and their content is undefined unless
/// the member says otherwise. A size of 0 gives a distinct block of at least one byte.</para>
/// <para>Source: thread caches and depots after Bonwick and Adams (2001), out-of-band slab bitmaps; see docs/algorithms/heap.md.</para>
/// </remarks>
public sealed unsafe partial class NativeHeap : IDisposable, IAsyncDisposable
{
    private const nuint AlignmentNatural = 16;

    /// <summary>Most slots of one magazine, whatever it earns.</summary>
    private const int MagazineSlotsMax = 4096;

    private static readonly NativeHeap s_shared = MakeShared();
    private static readonly bool s_hasFailed = s_shared._failure is not null;

    // What Free must know of the shared heap, as constants for the compiler: no load, and few nodes in the loops that Free is inlined into.
    private static readonly nuint s_sharedBase = s_shared._space?.BaseAddress ?? 0;
    private static readonly nuint s_sharedUnits = (s_shared._space?.Bytes ?? 0) >> 4;
    private static readonly nuint s_sharedWords = (nuint)(s_shared._space is null ? null : s_shared._space.Words);

    // And what Alloc must know: the place of the magazine for each small size.
    private static readonly nuint s_smallPlaces = SmallPlaces.Make();

    private readonly SlabSpace _space;
    private readonly Depot[] _depots;
    private readonly LargeBlocks _large;
    private readonly MetadataArena _metadata;
    private SleepLock _metadataLock;
    private readonly ThreadCacheRegistry _caches;
    private readonly Func<nint> _makeCache;
    private readonly uint _tag;
    private SleepLock _upkeepLock;
    private readonly bool _isShared;

    // Whether the pages of a thread's stack lead to its cache: of the shared heap, unless that is the second try.
    private readonly bool _isOnStack;
    private readonly HeapOptions _options;
    private readonly CheckedBlocks? _checked;
    /// <summary>The heap's place in <see cref="ThreadHeaps"/>; −1 for the shared heap, and once the heap is gone and another may have the place.</summary>
    private int _slot;

    /// <summary>Makes an independent heap over the frames of the shared runtime; <see cref="Dispose"/> frees everything in it at once.</summary>
    public NativeHeap()
        : this(SharedOrThrow()._space, SharedOrThrow()._options with { Name = "independent" }, isShared: false)
    {
    }

    /// <summary>Makes a heap over a space.</summary>
    internal NativeHeap(SlabSpace space, HeapOptions options, bool isShared)
    {
        _space = space;
        _options = options;
        _isShared = isShared;
        _isOnStack = isShared && !s_hasFailed;
        _slot = -1;
        try
        {
            _tag = space.TakeTag();
            Invariant.Assert(_tag != 0 && _tag % (1u << SlabSpace.ClassBits) == 0, $"The tag {_tag:x} of a heap reaches into the class.");
            _slot = _isOnStack ? -1 : ThreadHeaps.TakeSlot();
            _caches = new ThreadCacheRegistry(_slot, _isOnStack);
            _metadata = new MetadataArena(space.Platform);
            _large = new LargeBlocks(space.Platform, options.LargeRetainBytesMax, options.Pages, options.Room, options.LargeRetainTouchedBytesMax);
            _makeCache = MakeCache;
            _depots = new Depot[SizeClass.Count];
            for (int i = 0; i < _depots.Length; i++)
            {
                _depots[i] = new Depot(space, new SizeClass(i), _tag);
            }

            _checked = options.Checked.Enabled ? new CheckedBlocks(this, options.Checked) : null;
            _profile = _checked is null ? options.Profile : null;
            _sampled = options.Sampled.Enabled && _checked is null ? new SampledGuards(options.Sampled, options.Name) : null;
            space.AddHeap(this);
        }
        catch
        {
            Abandon();
            throw;
        }
    }

    /// <summary>
    /// The process-wide heap. It is never disposed. Where it cannot be made, each use of it says why, and each look at this property tries again: a heap that
    /// was made later is slower by the lookup of a heap of one's own.
    /// </summary>
    public static NativeHeap Shared
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => s_hasFailed ? SharedAfterFailure() : s_shared;
    }

    /// <summary>The heap's name in messages and listings.</summary>
    public string Name => _options.Name;

    /// <summary>What its granule words begin with.</summary>
    internal uint Tag => _tag;

    /// <summary>Whether the heap runs in checked mode.</summary>
    public bool IsChecked => _checked is not null;

    /// <summary>
    /// Frees every block of the heap at once and gives its frames back. Blocks that are still in use become invalid. In checked mode the
    /// blocks that were never freed are reported first. Other threads must be through with allocating, freeing and using blocks, which do not look whether
    /// the heap has ended; whoever counts, trims or validates, and finalizers, may come at any moment. On the shared heap, which lives as long as the process,
    /// it does nothing: a container of services may have it.
    /// </summary>
    public void Dispose()
    {
        if (!_isShared)
        {
            Release();
        }
    }

    /// <summary>Gives back what a constructor had taken that failed, for want of managed memory for example.</summary>
    private void Abandon()
    {
        _disposed = true;
        _isReleased = true;
        _space.RemoveHeap(this);
        _sampled?.Release();
        _large?.Dispose();
        _metadata?.Dispose();
        if (_slot >= 0)
        {
            ThreadHeaps.ReturnSlot(_slot);
        }

        if (_tag != 0)
        {
            _space.ReturnTag(_tag);
        }
    }

    /// <summary>The calling thread's cache of this heap, or null. Off the inlined paths.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ThreadCache* CurrentCache()
    {
        nuint here = StackPages.Here;
        nuint* entry = StackPages.EntryOf(here);
        return !_isOnStack ? OtherCache() : StackPages.Knows(entry, here) ? StackPages.Of(entry) : EnterStack(here);
    }

    /// <summary>The calling thread's cache of this heap, which is not the shared one.</summary>
    private ThreadCache* OtherCache()
    {
        Invariant.Assert(!_isOnStack, "The shared heap has a cache among those of the others.");
        ThreadHeaps? others = ThreadHeaps.t_others;
        return others is null ? null : others[_slot];
    }

    /// <summary>Gives the calling thread a cache; null when the system has no memory for one.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private ThreadCache* AttachCache()
    {
        ThrowIfDisposed();
        Invariant.Assert(_checked is null, "A thread is given a cache of a heap whose blocks are all checked.");
        return _caches.Attach(_makeCache);
    }

    private nint MakeCache()
    {
        var cache = (ThreadCache*)AllocMetadata(ThreadCache.Bytes);
        if (cache != null)
        {
            Invariant.Assert((nuint)cache % CacheLine.Isolation == 0, $"A thread cache at 0x{(nuint)cache:x} shares a line.");
            cache->BaseAddress = _space.BaseAddress;
            cache->ZoneUnits = _space.Bytes >> 4;
            cache->Words = _space.Words;
            cache->Tag = _tag;
            cache->NobodysTop = Magazine.TopRefusingPushes;
        }

        return (nint)cache;
    }

    private nuint AllocMetadata(nuint bytes)
    {
        using (_metadataLock.EnterScope())
        {
            return _metadata.Alloc(bytes);
        }
    }
}
