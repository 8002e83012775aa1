using System.Runtime.InteropServices;
using NativeMm.AddressSpaces;
using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Lab.Experiments.Faults;
using NativeMm.Lab.Experiments.Frames;
using NativeMm.Primitives;

namespace NativeMm.Lab.Baselines.Faults;

/// <summary>One entry for each page of a window, and a lock for each 512 of them: as much of page tables as a fault on a warm path sees.</summary>
internal sealed unsafe class FlatPages : IDisposable
{
    /// <summary>First page of the window.</summary>
    public const ulong First = 512;

    /// <summary>The page behind the last.</summary>
    public const ulong End = First + (1UL << 19);

    /// <summary>Bits of an entry that are no address.</summary>
    public const nuint LowMask = Pfn.FrameBytes - 1;

    private const int LeafShift = 9;

    private readonly FrameZone _zone = FrameZones.Create(FaultWorkload.ZoneBytes);
    private readonly LockFreeFrameAllocator _frames;
    private readonly LeafLock[] _locks = new LeafLock[(int)((End - First) >> LeafShift)];
    private readonly nuint* _entries = (nuint*)NativeMemory.AllocZeroed((nuint)(End - First), (nuint)sizeof(nuint));

    /// <summary>Makes an empty window.</summary>
    public FlatPages() => _frames = new LockFreeFrameAllocator(_zone);

    /// <summary>The lock of the leaf that a page is in.</summary>
    public ref SpinLock<NoLockStatistics> LockOf(ulong page) => ref _locks[(int)((page - First) >> LeafShift)].Lock;

    /// <summary>The entry of a page: the address of its frame and bits below, 0 for nothing.</summary>
    public ref nuint EntryOf(ulong page) => ref _entries[page - First];

    /// <summary>A frame that reads as zero.</summary>
    /// <exception cref="OutOfMemoryException">There is none.</exception>
    public nuint TakeFrame() => _frames.TryAllocate(Order.Zero, FrameFlags.Zeroed | FrameFlags.NoReclaim, out Pfn frame, out _)
        ? (nuint)_zone.AddressOf(frame)
        : throw new OutOfMemoryException("The window's frames are used up.");

    /// <summary>Gives a frame back.</summary>
    public void GiveFrame(nuint frame) => _frames.Free(_zone.FrameOf((void*)frame), Order.Zero);

    /// <summary>Puts a frame behind a page whose leaf the caller has locked, unless there is one.</summary>
    public bool TryInstall(ulong page, nuint frame)
    {
        ref nuint entry = ref EntryOf(page);
        if ((entry & ~LowMask) != 0)
        {
            return false;
        }

        Atomic.StoreRelease(ref entry, entry | frame);
        return true;
    }

    /// <summary>Takes all pages of a range away, and writes a word in the place of each.</summary>
    public void Replace(VpnRange pages, nuint word)
    {
        for (ulong page = pages.Start; page < pages.End;)
        {
            ulong end = ulong.Min(((page >> LeafShift) + 1) << LeafShift, pages.End);
            ref SpinLock<NoLockStatistics> held = ref LockOf(page);
            held.Enter();
            for (; page < end; page++)
            {
                nuint entry = EntryOf(page);
                Atomic.StoreRelease(ref EntryOf(page), word);
                if ((entry & ~LowMask) != 0)
                {
                    GiveFrame(entry & ~LowMask);
                }
            }

            held.Exit();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        NativeMemory.Free(_entries);
        _frames.Dispose();
        _zone.Dispose();
    }

    [StructLayout(LayoutKind.Sequential, Size = CacheLine.Isolation)]
    private struct LeafLock
    {
        public SpinLock<NoLockStatistics> Lock;
    }
}
