using NativeMm.Diagnostics;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <summary>
/// One contiguous block of page frames and their descriptors. Frames that no allocator ever handed out cost address space only, and cannot be
/// touched. Thread-safe; the allocator over the zone must be gone before the zone is disposed.
/// </summary>
public sealed unsafe partial class FrameZone : IDisposable
{
    /// <summary>The zone begins at a multiple of this unless a larger one is asked for: 2 MiB.</summary>
    internal const nuint Alignment = 2 << 20;

    private readonly IMemoryPlatform _platform;
    private readonly nuint _bytes;
    private nuint _base;
    private PageFrame* _descriptors;
    private object? _reporter;
    private bool _pagesReleased;

    private FrameZone(IMemoryPlatform platform, ZoneKind kind, nuint bytes)
    {
        _platform = platform;
        _bytes = bytes;
        Kind = kind;
        FrameCount = (uint)(bytes >> Pfn.FrameShift);
    }

    /// <summary>What the memory is made of.</summary>
    public ZoneKind Kind { get; }

    /// <summary>Number of frames.</summary>
    public uint FrameCount { get; }

    /// <summary>Address of frame 0; 0 after <see cref="Dispose"/>.</summary>
    public nuint BaseAddress => _base;

    /// <summary>Length in bytes, a multiple of 2 MiB.</summary>
    public nuint Bytes => _bytes;

    /// <summary>
    /// Whoever must not be finalized as long as somebody refers to the zone, as allocators, pools and heaps over it do; null when nobody owns it.
    /// </summary>
    internal object? Keeper { get; set; }

    /// <summary>
    /// Whether a runtime, or an allocator of ranges, owns the zone and what it made over it. Whoever gets such a part into his hands may dispose it by mistake, or
    /// by habit; it ends with its owner.
    /// </summary>
    internal bool IsKept => Keeper is not null;

    /// <summary>The memory file behind a mappable zone, or −1.</summary>
    internal int File { get; private set; } = -1;

    internal IMemoryPlatform Platform => _platform;

    /// <summary>Who gives the pages of a large zone back before its addresses go; null for one call that takes both.</summary>
    internal IPageRelease? PageRelease { get; set; }

    internal PageFrame* Descriptors => _descriptors;

    /// <summary>Address of a frame's first byte.</summary>
    /// <param name="frame">A frame of this zone; not checked.</param>
    /// <returns>The address, a multiple of 4096.</returns>
    public void* AddressOf(Pfn frame) => (void*)(_base + frame.Offset);

    /// <summary>Whether an address lies in the zone.</summary>
    /// <param name="address">Any address, also one that is not mapped.</param>
    /// <returns>True from the first byte to the last, whether its frame is in use or not; false after <see cref="Dispose"/>.</returns>
    public bool Contains(void* address) => _base != 0 && (nuint)address - _base < _bytes;

    /// <summary>The frame that an address lies in; the address must lie in the zone.</summary>
    internal Pfn FrameOf(void* address) => new((uint)(((nuint)address - _base) >> Pfn.FrameShift));

    internal ref PageFrame Descriptor(Pfn frame)
    {
        Invariant.Assert(frame.Value < OpenedFrames, $"The descriptor of frame {frame} is looked at, of {OpenedFrames} that are open.");
        return ref _descriptors[frame.Value];
    }

    /// <summary>
    /// Asks for the pages of frames that the system does not hold, by one call instead of as many faults. Others may use the frames meanwhile; a refusal leaves the
    /// pages to their first touch.
    /// </summary>
    internal void Populate(Pfn first, uint frames) => _ = _platform.Commit((nuint)AddressOf(first), (nuint)frames * Pfn.FrameBytes);

    /// <summary>
    /// Says that an allocator over all frames cannot be made any more: the owner of the zone has one, and two would hand the same frames out.
    /// </summary>
    /// <exception cref="InvalidOperationException">The zone has an owner.</exception>
    /// <exception cref="ObjectDisposedException">The zone is disposed.</exception>
    internal void RequireUnowned()
    {
        ObjectDisposedException.ThrowIf(_base == 0, this);
        if (IsKept)
        {
            throw new InvalidOperationException(
                $"This {Kind} zone of {_bytes} bytes belongs to a {Keeper!.GetType().Name}, which hands its frames out already: two allocators over one zone would give the same "
                + "frame to two callers. MemoryRuntime.Frames is the allocator of a runtime; a CachedFrameAllocator may stand in front of it.");
        }
    }

    /// <summary>Makes somebody the one who reports the zone's free blocks, unless there is one.</summary>
    internal bool TryAttachReporter(object reporter) => Atomic.CompareExchange(ref _reporter, null, reporter);

    /// <summary>Lets another one report the zone's free blocks.</summary>
    internal void DetachReporter(object reporter) => Atomic.CompareExchange(ref _reporter, reporter, null);

    /// <summary>Reserves a zone.</summary>
    /// <param name="platform">Where the memory comes from.</param>
    /// <param name="kind">What it is made of.</param>
    /// <param name="capacityBytes">Rounded up to 2 MiB; at most 8 TiB.</param>
    /// <param name="zone">The zone, or null when the platform refuses.</param>
    /// <param name="alignment">Power of two that the zone begins at a multiple of, 2 MiB or more.</param>
    internal static PlatformResult TryCreate(
        IMemoryPlatform platform, ZoneKind kind, ulong capacityBytes, out FrameZone? zone, nuint alignment = Alignment)
    {
        const ulong CapacityMax = 8UL << 40;
        Require64Bits(sizeof(nuint));
        ArgumentOutOfRangeException.ThrowIfZero(capacityBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(capacityBytes, CapacityMax);
        zone = null;
        var candidate = new FrameZone(platform, kind, (nuint)((capacityBytes + Alignment - 1) & ~((ulong)Alignment - 1)));
        PlatformResult result = candidate.ReserveMemory(alignment);
        if (!result.Succeeded)
        {
            candidate.Dispose();
            return result;
        }

        zone = candidate;
        return PlatformResult.Success;
    }

    /// <summary>Zones, tables and reciprocals count on addresses of 64 bits.</summary>
    /// <param name="addressBytes">Size of an address.</param>
    internal static void Require64Bits(int addressBytes)
    {
        if (addressBytes != sizeof(ulong))
        {
            throw new PlatformNotSupportedException($"NativeMm needs a process of 64 bits; this one has addresses of {addressBytes * 8} bits.");
        }
    }

    /// <summary>
    /// Gives all memory of the zone back to the operating system. The zone of a runtime or of a <c>VmapAllocator</c> goes with that: this does nothing to it.
    /// </summary>
    public void Dispose()
    {
        if (IsKept)
        {
            return;
        }

        if (_descriptors != null)
        {
            RemoveArray((nuint)_descriptors);
            _descriptors = null;
        }

        if (_base != 0)
        {
            ReleasePages();
            if (Kind != ZoneKind.Mappable)
            {
                _platform.ReleaseOrKeep(_base, _bytes);
            }
            else if (!_platform.Unmap(_base, _bytes).Succeeded && File >= 0)
            {
                _ = _platform.PunchHole(File, 0, _bytes);
            }

            _base = 0;
        }

        if (File >= 0)
        {
            // The number is free whatever the system says.
            _ = _platform.CloseFile(File);
            File = -1;
        }
    }

    /// <summary>Whether <see cref="ReleasePages"/> is through.</summary>
    internal bool ArePagesReleased => _pagesReleased;

    /// <summary>
    /// Gives the pages of all frames back, ahead of <see cref="Dispose"/>: nobody uses any of them any more. When somebody stopped it, the next call begins again.
    /// </summary>
    internal void ReleasePages()
    {
        nuint opened = (nuint)OpenedFrames << Pfn.FrameShift;
        if (_pagesReleased || _base == 0 || PageRelease is not { } release)
        {
            return;
        }

        _pagesReleased = Kind == ZoneKind.Mappable ? release.ReleaseFile(File, 0, opened) : release.Release(_base, opened);
    }

    private PlatformResult ReserveMemory(nuint alignment)
    {
        PlatformResult result = TryAddArray(PageFrame.Bytes, 0, readable: false, out nuint descriptors);
        if (!result.Succeeded)
        {
            return result;
        }

        _descriptors = (PageFrame*)descriptors;
        result = Kind == ZoneKind.Mappable ? ReserveMappable(alignment) : _platform.ReserveClosed(_bytes, alignment, readable: false, out _base);
        _frames = new ZoneArray(_base, Pfn.FrameBytes, 0, _bytes);
        return result;
    }

    private PlatformResult ReserveMappable(nuint alignment)
    {
        PlatformResult result = _platform.CreateMemoryFile("nativemm-zone", _bytes, out int file);
        if (!result.Succeeded)
        {
            return result;
        }

        File = file;
        result = _platform.ReserveClosed(_bytes, alignment, readable: false, out _base);
        return result.Succeeded ? _platform.MapFileClosed(file, 0, _bytes, _base, out _) : result;
    }
}
