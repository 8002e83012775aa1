using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Vmap;

/// <content>Given frames side by side, and where such frames come from.</content>
public sealed unsafe partial class VmapAllocator
{
    private long _unmaps;

    /// <summary>
    /// Takes frames for <see cref="Map"/>, neighbours in the zone as far as there are any: they then share a mapping. The caller holds each of them until
    /// <see cref="FreeFrames"/>, which may take them one by one.
    /// </summary>
    /// <param name="frames">Where the frame numbers go.</param>
    /// <param name="flags">Wishes. With <see cref="FrameFlags.NoReclaim"/> nothing is given up for them.</param>
    /// <exception cref="OutOfMemoryException">There are not so many frames, also after everything lazy was given up; none is taken.</exception>
    /// <exception cref="ObjectDisposedException">The allocator is disposed.</exception>
    public void AllocateFrames(Span<Pfn> frames, FrameFlags flags = FrameFlags.None)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        nuint bytes = (nuint)frames.Length << Pfn.FrameShift;
        bool mayReclaim = (flags & FrameFlags.NoReclaim) == 0 && (uint)frames.Length <= _zone.FrameCount;
        ReclaimSteps steps = StepsFor(bytes);
        while (!_references.TryHold(frames, flags))
        {
            if (!mayReclaim || !TryReclaim(ref steps, VmapOutcome.NoFrames, bytes))
            {
                OutOfMemoryException problem = OutOfFrames.For(_frames, bytes);
                GC.KeepAlive(this);
                throw problem;
            }
        }

        GC.KeepAlive(this);
    }

    /// <summary>
    /// Gives frames from <see cref="AllocateFrames"/> up. A frame that is still mapped stays mapped, and is nobody else's before its last mapping
    /// is gone.
    /// </summary>
    /// <param name="frames">The frames.</param>
    /// <exception cref="MemoryFaultException">One of them is not held; those before it are given up.</exception>
    /// <exception cref="ObjectDisposedException">The allocator is disposed.</exception>
    public void FreeFrames(ReadOnlySpan<Pfn> frames)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        foreach (Pfn frame in frames)
        {
            _references.Unhold(frame);
        }

        GC.KeepAlive(this);
    }

    /// <summary>
    /// Makes frames visible side by side, without a copy: what is written through the range is in the frames, and in every other range over them.
    /// </summary>
    /// <param name="frames">
    /// Frames from <see cref="AllocateFrames"/> or <see cref="FrameOf"/>; the same one may be in it more than once. Neighbours in the zone that are
    /// neighbours here share a mapping.
    /// </param>
    /// <param name="flags"><see cref="VmapFlags.Guarded"/> or none.</param>
    /// <returns>The first byte. The range belongs to the caller until <see cref="Unmap"/>.</returns>
    /// <exception cref="ArgumentException">There are no frames, one of them is nobody's, or the flags are others.</exception>
    /// <exception cref="OutOfMemoryException">No address space or no mappings are left.</exception>
    /// <exception cref="PlatformNotSupportedException">The system cannot map a frame twice.</exception>
    public void* Map(ReadOnlySpan<Pfn> frames, VmapFlags flags = VmapFlags.None)
    {
        RequireMappable(frames, flags);
        uint[] slots = new uint[frames.Length];
        FillSlots(frames, slots);
        fixed (uint* first = slots)
        {
            var wish = new RangeWish(VmapAreaKind.Map, (nuint)frames.Length << Pfn.FrameShift, (uint)frames.Length, flags, 1);
            VmapOutcome outcome = MakeOrReclaim(wish, first, wish.Pages, out void* address, out PlatformResult refusal);
            if (outcome != VmapOutcome.Success)
            {
                ThrowOutOf(outcome, wish.Bytes, refusal);
            }

            return address;
        }
    }

    /// <summary>Takes a range back that <see cref="Map"/> gave. Its frames stay with whoever holds them.</summary>
    /// <param name="address">The first byte; null is ignored.</param>
    /// <exception cref="MemoryFaultException">The address is not the start of such a range, or the range is unmapped already.</exception>
    public void Unmap(void* address) => Unmap<NoPause>(address, ramFrames: null);

    /// <summary>As <see cref="Unmap(void*)"/>, with a place to pause at.</summary>
    /// <typeparam name="TPause">Who pauses.</typeparam>
    /// <param name="address">As there.</param>
    /// <param name="ramFrames">The frames that the map must have, and be too long for a block; null for any map.</param>
    internal void Unmap<TPause>(void* address, int? ramFrames)
        where TPause : struct, IPausePoint
    {
        nuint offset = (nuint)address - _window;
        if (offset >= _windowBytes)
        {
            FreeForeign(address);
            return;
        }

        uint page = (uint)(offset >> Pfn.FrameShift);
        uint record = Atomic.LoadAcquire(ref _areas.AreaOf[page]); // [V2] pairs with [V1]
        VmapArea* area = _areas.Records + record;
        VmapAreaWord seen = area->ReadWord();
        bool isStart = record != 0 && area->Start == page && area->Kind == (byte)VmapAreaKind.Map && (offset & (Pfn.FrameBytes - 1)) == 0;
        if (isStart && ramFrames is { } count && seen.State == VmapAreaState.Busy)
        {
            RequireRam(address, area->Pages, count);
        }

        TPause.Reach(PauseFound);
        if (!isStart || !area->TryStep(VmapAreaStep.End, seen, out _))
        {
            ThrowNotFreeable(address, record, seen, VmapAreaKind.Map);
        }

        Atomic.Add(ref _unmaps, 1);
        AddLazy(record, area);
    }

    /// <summary>
    /// The frame behind an address of a range that the caller has. A range whose frames somebody asked for is not reused with its frames.
    /// </summary>
    /// <param name="address">Any address in the readable part of the range.</param>
    /// <returns>The number of the frame in the zone that the range's frames come from.</returns>
    /// <exception cref="ArgumentException">No range of the program is there.</exception>
    public Pfn FrameOf(void* address) => FrameOf<NoPause>(address);

    /// <summary>As <see cref="FrameOf(void*)"/>, with a place to pause at.</summary>
    /// <typeparam name="TPause">Who pauses.</typeparam>
    /// <param name="address">As there.</param>
    internal Pfn FrameOf<TPause>(void* address)
        where TPause : struct, IPausePoint
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        nuint offset = (nuint)address - _window;
        uint page = (uint)(offset >> Pfn.FrameShift);
        uint record = offset < _windowBytes ? Atomic.LoadAcquire(ref _areas.AreaOf[page]) : 0; // [V2] pairs with [V1]
        VmapArea* area = _areas.Records + record;
        VmapAreaWord seen = area->ReadWord();
        uint slot = record != 0 && seen.State == VmapAreaState.Busy && page - area->Start < area->Pages ? Atomic.LoadAcquire(ref _areas.FrameOf[page]) : 0;
        TPause.Reach(PauseFound);

        // The frame is told of if the range is still the owner's whose frame was read.
        bool isOwners = seen.IsPoolable ? area->TryStep(VmapAreaStep.Show, seen, out _) : area->ReadWord() == seen;
        if (slot == 0 || !isOwners)
        {
            throw new ArgumentException($"0x{(nuint)address:x} lies in no range that is in use, or in one that is being resized.", nameof(address));
        }

        return new Pfn(slot - 1);
    }

    /// <summary>How many pages of the window map a frame, stale ones among them, and whether the program holds it.</summary>
    internal (uint Mappings, bool Held) References(Pfn frame) => _references.Count(frame);

    private static void FillSlots(ReadOnlySpan<Pfn> frames, Span<uint> slots)
    {
        for (int i = 0; i < slots.Length; i++)
        {
            slots[i] = frames[i].Value + 1;
        }
    }

    private void RequireMappable(ReadOnlySpan<Pfn> frames, VmapFlags flags)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (!_canMap)
        {
            ThrowCannotMap();
        }

        if (frames.IsEmpty || (flags & ~VmapFlags.Guarded) != 0 || (uint)frames.Length >= _windowPages)
        {
            throw new ArgumentException(
                $"A map has 1 to {_windowPages - 1} frames and the flag Guarded or none, not {frames.Length} frames and {flags}.", nameof(frames));
        }

        foreach (Pfn frame in frames)
        {
            if (frame.Value >= _zone.OpenedFrames || _references.Count(frame) == (0u, false))
            {
                throw new ArgumentException($"Frame {frame} is nobody's: it was freed, or it did not come from this allocator.", nameof(frames));
            }
        }
    }
}
