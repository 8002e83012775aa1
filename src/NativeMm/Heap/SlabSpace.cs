using System.Numerics;
using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Reporting;

namespace NativeMm.Heap;

/// <summary>
/// What all heaps over one zone share: for each granule of 64 KiB a word that says which heap and class it belongs to, a slab descriptor and a
/// bitmap. All lie in reserved memory beside the zone, so they cost only what is in use, and an overrun of user data cannot reach them.
/// </summary>
/// <remarks>
/// A granule word has the owner above, <c>tag of the heap | size class</c>, and in the lowest byte the place of the class's magazine if the heap is the
/// space's first. That is the shared heap, whose frees go by that byte alone. 0 for granules that no heap has. It is written before the first block of a slab is
/// handed out and cleared after the last one came back, so whoever holds a live block reads a settled word without any ordering. A run
/// that grows has its words written by whoever holds its only block, under the lock of the depot that it leaves; the block's next holder has it from him.
/// </remarks>
internal sealed unsafe class SlabSpace : IDisposable, IRangeFollower
{
    /// <summary>log2 of <see cref="GranuleBytes"/>.</summary>
    public const int GranuleShift = 16;

    /// <summary>Bytes of one granule: the smallest slab.</summary>
    public const nuint GranuleBytes = 1 << GranuleShift;

    /// <summary>Bits of an owner that hold the size class; the rest is the heap's tag.</summary>
    public const int ClassBits = 8;

    /// <summary>Tag of the first heap of a space: the shared heap, in the shared runtime's.</summary>
    public const uint FirstTag = 1 << ClassBits;

    private const int OwnerShift = 32;

    /// <summary>Frames of a granule.</summary>
    public const int FramesPerGranule = (int)(GranuleBytes / Pfn.FrameBytes);

    private const int BitmapWords = SlabGeometry.BlocksMax / 64;

    private readonly IMemoryPlatform _platform;
    private readonly uint _granules;
    private readonly Registrations<NativeHeap> _heaps = new();
    private nuint _words;
    private nuint _slabs;
    private nuint _bitmaps;

    /// <summary>Tags that were given back. It has room for all that were ever given out, so that giving one back needs no memory.</summary>
    private readonly Stack<uint> _freeTags = [];
    private SleepLock _tagsLock;
    private uint _tagsGiven;
    private uint _granulesUsed;

    private SlabSpace(IFrameAllocator frames, IMemoryPlatform platform)
    {
        Frames = frames;
        BaseAddress = frames.Zone.BaseAddress;
        _platform = platform;
        _granules = (uint)(frames.Zone.Bytes >> GranuleShift);
    }

    /// <summary>Where slabs come from.</summary>
    public IFrameAllocator Frames { get; }

    /// <summary>The zone's operating system.</summary>
    public IMemoryPlatform Platform => _platform;

    /// <summary>Address of the first granule.</summary>
    public nuint BaseAddress { get; }

    /// <summary>Length of the zone, in bytes.</summary>
    public nuint Bytes => (nuint)_granules << GranuleShift;

    /// <summary>One word a granule.</summary>
    public ulong* Words => (ulong*)_words;

    /// <summary>Granules below this number may have been used; the others never were.</summary>
    public uint GranulesUsed => Atomic.LoadAcquire(in _granulesUsed);

    /// <summary>Whether the whole zone goes, so that slabs need not be given back one by one.</summary>
    public bool IsEnding { get; set; }

    /// <summary>Who is asked for room when frames are taken that the system has to find memory for; null for nobody.</summary>
    public IRoomKeeper? Room { get; set; }

    /// <summary>Reserves the arrays beside a zone.</summary>
    public static PlatformResult TryCreate(IFrameAllocator frames, IMemoryPlatform platform, out SlabSpace? space)
    {
        space = null;
        var candidate = new SlabSpace(frames, platform);
        PlatformResult result = candidate.ReserveArrays();
        if (!result.Succeeded)
        {
            candidate.Dispose();
            return result;
        }

        space = candidate;
        return PlatformResult.Success;
    }

    /// <summary>
    /// The place of a pointer in a zone, in units of 16 bytes; the zone's length or more when it cannot be the start of a block. So one
    /// comparison covers foreign memory and pointers that are not a multiple of 16: rotating moves a misaligned pointer's low bits to the top.
    /// </summary>
    /// <param name="baseAddress">Address of the first granule.</param>
    /// <param name="block">Any pointer.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong UnitOf(nuint baseAddress, void* block) => BitOperations.RotateRight((ulong)((nuint)block - baseAddress), 4);

    /// <summary>The class of the slab at a place of the zone; <see cref="SizeClass.Count"/> or more when no slab of that heap is there.</summary>
    /// <param name="words">Address of the granule words.</param>
    /// <param name="unit">A place inside the zone, in units of 16 bytes.</param>
    /// <param name="tag">The heap's tag.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static nuint ClassAt(ulong* words, ulong unit, uint tag) => (uint)(words[unit >> (GranuleShift - 4)] >> OwnerShift) ^ tag;

    /// <summary>The place of the magazine for blocks at a place of the zone; 0 when no slab of the space's first heap is there.</summary>
    /// <inheritdoc cref="ClassAt"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static nuint PlaceAt(nuint words, ulong unit) => *(byte*)((ulong*)words + (unit >> (GranuleShift - 4)));

    /// <summary>A tag that no living heap of this space has.</summary>
    /// <exception cref="InvalidOperationException">2²⁴ − 1 heaps live.</exception>
    public uint TakeTag()
    {
        using (_tagsLock.EnterScope())
        {
            if (_freeTags.TryPop(out uint free))
            {
                return free;
            }

            if (_tagsGiven + 1 >= 1u << (32 - ClassBits))
            {
                throw new InvalidOperationException($"No more than {(1u << (32 - ClassBits)) - 1} heaps can live in one runtime at one time.");
            }

            _freeTags.EnsureCapacity((int)_tagsGiven + 1);
            return ++_tagsGiven << ClassBits;
        }
    }

    /// <summary>Gives a tag up. No granule word may have it any more.</summary>
    public void ReturnTag(uint tag)
    {
        using (_tagsLock.EnterScope())
        {
            Invariant.Assert(tag != 0 && tag % FirstTag == 0 && tag / FirstTag <= _tagsGiven, $"Tag {tag:x} was never given.");
            Invariant.Assert(!_freeTags.Contains(tag), $"Tag {tag:x} is returned twice.");
            _freeTags.Push(tag);
        }
    }

    /// <summary>Enters a heap into the list that listings and error messages use, and among those who give frames back when they run out.</summary>
    public void AddHeap(NativeHeap heap)
    {
        _heaps.Add(heap);
        Frames.AddShrinker(heap);
    }

    /// <summary>Takes a heap off both.</summary>
    public void RemoveHeap(NativeHeap heap)
    {
        Frames.RemoveShrinker(heap);
        _heaps.Remove(heap);
    }

    /// <summary>The heaps that live now, to be walked through without a copy: passes of the background and last resorts take no managed memory.</summary>
    public RegistrationsView<NativeHeap> Heaps() => _heaps.View;

    /// <summary>The heap that an address belongs to, or null.</summary>
    public NativeHeap? HeapOf(nuint address)
    {
        foreach (NativeHeap heap in Heaps())
        {
            if (heap.HoldsMemoryAt(address))
            {
                return heap;
            }
        }

        return null;
    }

    /// <summary>The descriptor of the slab that begins at a granule.</summary>
    public ref Slab SlabAt(uint granule)
    {
        Invariant.Assert(granule < _granules, $"The slab at granule {granule} of {_granules} is looked at.");
        return ref ((Slab*)_slabs)[granule];
    }

    /// <summary>What to carry from one section under the depot's lock to the next. Under that lock, for a slab of that depot.</summary>
    public SlabTicket TicketOf(uint granule) => new(granule, SlabAt(granule).Life);

    /// <summary>Whether the slab is still the one that the ticket was made for. Under the same lock.</summary>
    public bool IsAlive(SlabTicket ticket) => SlabAt(ticket.Granule).Life == ticket.Life;

    /// <summary>The bitmap of the slab that begins at a granule: a set bit is a free block.</summary>
    public Span<ulong> BitmapAt(uint granule, int blocks)
    {
        Invariant.Assert(granule < _granules && blocks is > 0 and <= SlabGeometry.BlocksMax, $"A bitmap of {blocks} blocks at granule {granule} of {_granules} is looked at.");
        return new((ulong*)_bitmaps + ((nuint)granule * BitmapWords), (blocks + 63) >> 6);
    }

    /// <inheritdoc/>
    /// <remarks>
    /// The bitmaps of the slabs that were in the block: a burst of a gigabyte leaves eight megabytes of them behind. Whoever holds the frames
    /// without a slab in them may discard that memory with theirs: a new slab writes its bitmap before anything reads it. Bitmaps of blocks below
    /// 2 MiB do not fill whole pages, and those of 2 MiB are 16 KiB, which is less than a page on some systems.
    /// </remarks>
    AddressRange IRangeFollower.RangeOf(FrameRange block)
    {
        if (block.Order < Order.Huge)
        {
            return default;
        }

        const nuint BytesPerGranule = BitmapWords * sizeof(ulong);
        return new AddressRange(
            _bitmaps + (block.Frame.Value / FramesPerGranule * BytesPerGranule), block.Order.Frames / FramesPerGranule * BytesPerGranule);
    }

    /// <summary>Address of a granule's first byte.</summary>
    public nuint AddressOf(uint granule) => BaseAddress + ((nuint)granule << GranuleShift);

    /// <summary>First granule of the slab of that class which an address lies in. Slabs are naturally aligned inside the zone.</summary>
    public uint SlabOf(nuint address, Order order) =>
        (uint)((address - BaseAddress) >> GranuleShift) & ~((order.Frames / FramesPerGranule) - 1);

    /// <summary>Whether an address lies in the zone.</summary>
    public bool Contains(nuint address) => address - BaseAddress < Bytes;

    /// <summary>Whose the granule of an address inside the zone is.</summary>
    public uint OwnerOf(nuint address) => OwnerAt((uint)((address - BaseAddress) >> GranuleShift));

    /// <summary>Whose a granule is: tag and class; 0 when it is no heap's.</summary>
    public uint OwnerAt(uint granule) => (uint)(Words[granule] >> OwnerShift);

    /// <summary>Takes frames for a slab and signs for them in the granule words. Every block is free, none is handed out yet.</summary>
    /// <param name="sizeClass">Class of the slab.</param>
    /// <param name="tag">The heap's tag.</param>
    /// <param name="granule">First granule of the slab.</param>
    /// <returns>False when there are no frames, after the shrinkers ran.</returns>
    public bool TryAllocateSlab(SizeClass sizeClass, uint tag, out uint granule)
    {
        granule = Slab.None;
        if (!Frames.TryAllocateExact(SlabGeometry.Of(sizeClass).Frames, FrameFlags.None, out Pfn frame, out bool knownZero))
        {
            return false;
        }

        granule = frame.Value / FramesPerGranule;
        Invariant.Assert(frame.Value % FramesPerGranule == 0, $"A slab begins at frame {frame}, inside a granule.");
        MakeRoomFor(sizeClass, knownZero);
        MakeSlab(sizeClass, tag, granule, knownZero);
        return true;
    }

    /// <summary>The same at a place where a slab of the class was before, if its frames are free.</summary>
    public bool TryAllocateSlabAt(SizeClass sizeClass, uint tag, uint granule)
    {
        bool taken = Frames.TryAllocateAt(new Pfn(granule * FramesPerGranule), SlabGeometry.Of(sizeClass).Frames, out bool knownZero);
        if (taken)
        {
            MakeRoomFor(sizeClass, knownZero);
            MakeSlab(sizeClass, tag, granule, knownZero);
        }

        return taken;
    }

    /// <summary>Frames that read as zero have no memory behind them yet. They are nobody's slab, so that a pass cannot take them away again.</summary>
    private void MakeRoomFor(SizeClass sizeClass, bool knownZero)
    {
        if (knownZero)
        {
            // They count as the zone's already.
            nuint bytes = (nuint)SlabGeometry.Of(sizeClass).Frames << Pfn.FrameShift;
            Room?.MakeRoom(bytes);
            Room?.NoteTaken(bytes);
        }
    }

    private void MakeSlab(SizeClass sizeClass, uint tag, uint granule, bool knownZero)
    {
        ref readonly SlabGeometry geometry = ref SlabGeometry.Of(sizeClass);
        Invariant.Assert(granule + (uint)geometry.Granules <= _granules, $"The slab at granule {granule} ends behind the zone.");
        Invariant.Assert(
            WordsOf(granule, in geometry).IndexOfAnyExcept(0UL) < 0, $"Granule {granule} is made a slab of {geometry.Granules} granules, and one of them is another's.");
        ref Slab slab = ref SlabAt(granule);
        slab = new Slab { Life = slab.Life };
        slab.Next = Slab.None;
        slab.Previous = Slab.None;
        slab.FreeCount = geometry.Blocks;
        slab.Untouched = knownZero ? 0 : geometry.Blocks;
        slab.DiscardedAt = knownZero ? geometry.Blocks : -1;
        FillBitmap(BitmapAt(granule, geometry.Blocks), geometry.Blocks);
        Sign(granule, sizeClass, tag);
    }

    /// <summary>
    /// Makes a run one of a larger class where it lies, if the frames behind it are free. Under the lock of the depot that has the run, whose block is outside.
    /// </summary>
    public bool TryExtendRun(uint granule, SizeClass from, SizeClass to, uint tag)
    {
        uint frames = SlabGeometry.Of(from).Frames;
        uint wanted = SlabGeometry.Of(to).Frames;
        Invariant.Assert(wanted >= frames && OwnerAt(granule) == (tag | (uint)from.Value), $"A run of {frames} frames at granule {granule} grows to {wanted}, and is {OwnerAt(granule):x}.");

        // A run that leaves less than its tail is worth has the whole power of two already.
        if (wanted != frames && !Frames.TryExtend(new Pfn(granule * FramesPerGranule), frames, wanted))
        {
            return false;
        }

        // Whoever found it as a slab of the smaller class finds that one ended.
        SlabAt(granule).Life++;
        Sign(granule, to, tag);
        return true;
    }

    private void Sign(uint granule, SizeClass sizeClass, uint tag)
    {
        Span<ulong> words = WordsOf(granule, in SlabGeometry.Of(sizeClass));
        words.Fill(((ulong)(tag | (uint)sizeClass.Value) << OwnerShift) | (tag == FirstTag ? ThreadCache.PlaceOf(sizeClass) : 0u));
        RaiseUsed(granule + (uint)words.Length);
    }

    /// <summary>Gives the frames of a slab back, all of whose blocks are free.</summary>
    public void FreeSlab(uint granule, in SlabGeometry geometry)
    {
        Invariant.Assert(OwnerAt(granule) != 0, $"Granule {granule} is given back and is no slab.");
        Invariant.Assert(granule + (uint)geometry.Granules <= GranulesUsed, $"The slab at granule {granule} ends behind the last one ever made.");
        Invariant.Assert(WordsOf(granule, in geometry).IndexOfAnyExcept(Words[granule]) < 0, $"The granules of the slab at {granule} are of several owners.");
        SlabAt(granule).Life++;
        WordsOf(granule, in geometry).Clear();
        var frame = new Pfn(granule * FramesPerGranule);
        Frames.FreeExact(frame, geometry.Frames);
    }

    /// <summary>Gives the arrays back. All slabs must be gone.</summary>
    public void Dispose()
    {
        ReleaseArray(ref _words);
        ReleaseArray(ref _slabs);
        ReleaseArray(ref _bitmaps);
    }

    private static void FillBitmap(Span<ulong> bitmap, int blocks)
    {
        bitmap.Fill(ulong.MaxValue);
        int tail = blocks & 63;
        if (tail != 0)
        {
            bitmap[^1] = (1UL << tail) - 1;
        }
    }

    private Span<ulong> WordsOf(uint granule, in SlabGeometry geometry) => new(Words + granule, geometry.Granules);

    private void RaiseUsed(uint end)
    {
        uint seen = Atomic.LoadAcquire(in _granulesUsed);
        while (seen < end && !Atomic.CompareExchange(ref _granulesUsed, seen, end))
        {
            seen = Atomic.LoadAcquire(in _granulesUsed);
        }
    }

    /// <summary>The words can be read for any address of the zone: whether a pointer is a block is asked of whatever a program frees.</summary>
    private PlatformResult ReserveArrays()
    {
        PlatformResult result = ReserveArray(sizeof(ulong), readable: true, out _words);
        result = result.Succeeded ? ReserveArray(Slab.Bytes, readable: false, out _slabs) : result;
        return result.Succeeded ? ReserveArray(BitmapWords * sizeof(ulong), readable: false, out _bitmaps) : result;
    }

    private PlatformResult ReserveArray(nuint elementBytes, bool readable, out nuint array) =>
        Frames.Zone.TryAddArray(elementBytes, GranuleShift - Pfn.FrameShift, readable, out array);

    private void ReleaseArray(ref nuint array)
    {
        if (array != 0)
        {
            Frames.Zone.RemoveArray(array);
            array = 0;
        }
    }
}
