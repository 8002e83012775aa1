using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Vmap;

/// <content>Short-lived small maps, cut from a block of the core: one record, one free range and one unmapping for a thousand pages.</content>
public sealed unsafe partial class VmapAllocator
{
    /// <summary>Most frames of a <see cref="MapRam"/> that is cut from a block; longer ones take a range of their own.</summary>
    public const int RamFramesMax = VmapBlock.MapPagesMax;

    private long _ramMaps;
    private long _ramUnmaps;

    /// <summary>
    /// Like <see cref="Map"/>, for maps that live for a moment only: the addresses come from a block of this core and are unmapped with all others of the
    /// block.
    /// </summary>
    /// <param name="frames">Frames from <see cref="AllocateFrames"/> or <see cref="FrameOf"/>; up to <see cref="RamFramesMax"/> come from a block.</param>
    /// <returns>The first byte. The range belongs to the caller until <see cref="UnmapRam"/>.</returns>
    /// <exception cref="ArgumentException">There are no frames, or one of them is nobody's.</exception>
    /// <exception cref="OutOfMemoryException">No address space or no mappings are left.</exception>
    /// <exception cref="PlatformNotSupportedException">The system cannot map a frame twice.</exception>
    public void* MapRam(ReadOnlySpan<Pfn> frames)
    {
        if (frames.Length > RamFramesMax)
        {
            return Map(frames);
        }

        RequireMappable(frames, VmapFlags.None);
        nuint bytes = (nuint)frames.Length << Pfn.FrameShift;
        VmapOutcome outcome;
        void* address;
        PlatformResult refusal;
        ReclaimSteps steps = StepsFor(bytes);
        do
        {
            outcome = MapRamOnce(frames, out address, out refusal);
        }
        while (outcome != VmapOutcome.Success && TryReclaim(ref steps, outcome, bytes));
        if (outcome != VmapOutcome.Success)
        {
            ThrowOutOf(outcome, bytes, refusal);
        }

        return address;
    }

    /// <summary>Takes a map back that <see cref="MapRam"/> gave.</summary>
    /// <param name="address">Its first byte; null is ignored.</param>
    /// <param name="count">How many frames it was made of: exactly the number that <see cref="MapRam"/> was given.</param>
    /// <exception cref="MemoryFaultException">
    /// No map of <see cref="MapRam"/> begins there, or it has another number of frames. Nothing is unmapped then.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The allocator is disposed.</exception>
    public void UnmapRam(void* address, int count)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (address == null)
        {
            return;
        }

        nuint offset = (nuint)address - _window;
        uint page = (uint)(offset >> Pfn.FrameShift);
        VmapBlock? block = offset < _windowBytes ? BlockAt(page) : null;
        if (block is null)
        {
            // It was too long for a block, or whatever else is wrong with the address, which this says.
            Unmap<NoPause>(address, count);
            return;
        }

        uint at = page - block.Start;
        bool done = false;
        if ((offset & (Pfn.FrameBytes - 1)) != 0 || !TryReturn(block, at, count, out done))
        {
            ThrowNoRam(address, count, block, at);
        }

        Atomic.Add(ref _ramUnmaps, 1);
        if (done)
        {
            Retire(block);
        }
    }

    /// <summary>Says that a map is not one that <see cref="UnmapRam"/> takes back, or not of so many frames.</summary>
    private static void RequireRam(void* address, uint pages, int count)
    {
        if (pages <= RamFramesMax)
        {
            MemoryFault.Throw(
                MemoryFaultKind.WrongHeap, (nuint)address, $"The range at 0x{(nuint)address:x} was made by Map; Unmap takes it back, not UnmapRam.");
        }

        if (pages != count)
        {
            ThrowWrongCount(address, count, pages);
        }
    }

    private VmapOutcome MapRamOnce(ReadOnlySpan<Pfn> frames, out void* address, out PlatformResult refusal)
    {
        address = null;
        refusal = PlatformResult.Success;
        VmapBlockQueue queue = _queues[CoreId.CurrentHint.Value & _poolMask];
        VmapOutcome outcome = Cut(queue, frames.Length, out VmapBlock? block, out uint offset, out refusal);
        if (outcome != VmapOutcome.Success)
        {
            return outcome;
        }

        Invariant.Assert(offset + (uint)frames.Length <= VmapBlock.Pages && block!.Record != 0, $"{frames.Length} pages were cut at {offset} of block {block!.Record}.");
        uint start = block!.Start + offset;
        uint* slots = stackalloc uint[RamFramesMax];
        FillSlots(frames, new Span<uint>(slots, frames.Length));
        uint mappings = 0;
        outcome = TryShare(slots, (uint)frames.Length, _areas.FrameOf + start)
            ? _mapper.TryMap(start, (uint)frames.Length, 0, holes: 1, _free.Ranges, out mappings, out refusal)
            : VmapOutcome.FrameGone;

        Atomic.Add(ref _areas.Records[block.Record].Mappings, mappings);

        if (outcome != VmapOutcome.Success)
        {
            // What may be mapped counts as stale and goes with the block.
            if (TryReturn(block, offset, frames.Length, out bool done) && done)
            {
                Retire(block);
            }

            return outcome;
        }

        Atomic.Add(ref _ramMaps, 1);
        address = (void*)_mapper.AddressOf(start);
        return VmapOutcome.Success;
    }

    /// <summary>Says why no map of so many frames begins at an address in a block.</summary>
    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ThrowNoRam(void* address, int count, VmapBlock block, uint offset)
    {
        if (offset >= VmapBlock.Pages || !block.IsUsed(offset))
        {
            MemoryFault.Throw(
                MemoryFaultKind.ForeignPointer,
                (nuint)address,
                $"No map from MapRam is at 0x{(nuint)address:x}, of {count} frames or any other number: it is unmapped already, or was never made.");
        }

        uint start = block.StartOf(offset);
        nuint first = _mapper.AddressOf(block.Start + start);
        if (first != (nuint)address)
        {
            MemoryFault.ThrowNotBlockStart((nuint)address, first, (nuint)block.FramesAt(start) << Pfn.FrameShift);
        }

        ThrowWrongCount(address, count, (uint)block.FramesAt(start));
    }

    [DoesNotReturn]
    private static void ThrowWrongCount(void* address, int count, uint frames) => MemoryFault.Throw(
        MemoryFaultKind.WrongSize,
        (nuint)address,
        $"Wrong size: the map at 0x{(nuint)address:x} has {frames} frames and was handed back with {count}. UnmapRam takes the number that MapRam was given.");
}
