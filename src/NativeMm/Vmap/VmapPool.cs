// Purpose      freed ranges of one core by exact size, still mapped and with their frames: a steady cycle of Alloc and Free makes no system call.
// States       a stack of areas for each of 1–256 pages without a guard, and for each with one.
// Transitions  Push and Pop under the lock; a thief takes from the pool of another core by try-lock; Decay takes a share under the lock.
// Ownership    everything | holder of the lock | the same | plain; the counters are read by anybody as approximations, acquire load.
//              HitsSeen, what is owed | holder of the purge lock | the same | plain
// Ordering     the lock's. An area's fields belong to whoever popped it.
// Progress     blocking, but for a few instructions and, with one thread a core, never in practice.
// Layout       the lock and the counters in the first two lines, then the heads, the counts, and what is owed. A pool begins at a multiple of 128 bytes: no line is shared by cores.
// Source       the per-node pools of Linux 6.9 (mm/vmalloc.c), which keep address ranges only. Departure: the frames stay too, and the pools are
//              filled at free, not at purge.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Vmap;

/// <summary>The pool of one core. A struct in reserved memory; all zero is an empty pool.</summary>
[StructLayout(LayoutKind.Explicit, Size = Bytes)]
internal unsafe struct VmapPool
{
    /// <summary>Size of a pool.</summary>
    public const int Bytes = 3712;

    /// <summary>Pages of the largest range that a pool keeps.</summary>
    public const uint PagesMax = 256;

    /// <summary>Number of stacks.</summary>
    public const uint Classes = 2 * PagesMax;

    // Owner: the holder of the lock.
    [FieldOffset(0)]
    public SpinLock<NoLockStatistics> Lock;

    [FieldOffset(8)]
    public long Pages;

    [FieldOffset(16)]
    public long Hits;

    [FieldOffset(24)]
    public long Frees;

    // Owner: the holder of the purge lock. Hits at the last idle pass.
    [FieldOffset(32)]
    public long HitsSeen;

    [FieldOffset(128)]
    private fixed uint _heads[(int)Classes];

    [FieldOffset(2176)]
    private fixed ushort _counts[(int)Classes];

    // Owner: the holder of the purge lock. What was left of a share at the last decay, in ranges by the share.
    [FieldOffset(3200)]
    private fixed byte _owed[(int)Classes];

    /// <summary>The stack for ranges of a size.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint ClassOf(uint pages, uint guardPages) => pages - 1 + (guardPages * PagesMax);

    /// <summary>Ranges in a stack. Under the lock, or as an approximation.</summary>
    public int Count(uint sizeClass) => _counts[sizeClass];

    /// <summary>
    /// How many ranges a stack gives up at a decay. What is less than a range adds up over the decays, so that one with few ranges gives one up now
    /// and then. Under the purge lock.
    /// </summary>
    /// <param name="sizeClass">The stack.</param>
    /// <param name="share">One in so many, up to 255.</param>
    public int ShareOf(uint sizeClass, int share)
    {
        Invariant.Assert(share is > 0 and <= byte.MaxValue, $"A pool gives up one range in {share}.");
        int count = _counts[sizeClass];
        int owed = count == 0 ? 0 : count + _owed[sizeClass];
        _owed[sizeClass] = (byte)(owed % share);
        Invariant.Assert(owed / share <= count, $"A pool gives up {owed / share} ranges, of {count}.");
        return owed / share;
    }

    /// <summary>The next range that a pop would take, 0 for none. Under the lock.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint Head(uint sizeClass) => _heads[sizeClass];

    /// <summary>Takes the range on top, which is there. Under the lock.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Pop(uint sizeClass, VmapArea* area)
    {
        Invariant.Assert(_counts[sizeClass] != 0 && _heads[sizeClass] != 0, $"Stack {sizeClass} of a pool is popped and has {_counts[sizeClass]} ranges.");
        Invariant.Assert(
            area->State == VmapAreaState.Pooled && ClassOf(area->Pages, area->GuardPages) == sizeClass,
            $"A range of {area->Pages} pages, {area->State}, is in stack {sizeClass} of a pool.");
        _heads[sizeClass] = area->Next;
        _counts[sizeClass]--;
        Pages -= area->Pages + area->GuardPages;
        Invariant.Assert(
            Pages >= 0 && (_heads[sizeClass] == 0) == (_counts[sizeClass] == 0),
            $"A pool of {Pages} pages has {_counts[sizeClass]} ranges in stack {sizeClass}.");
    }

    /// <summary>Keeps a range unless the pool is full. Under the lock.</summary>
    /// <param name="sizeClass">Its stack.</param>
    /// <param name="record">Its number.</param>
    /// <param name="area">Its record.</param>
    /// <param name="pagesMax">Pages that the pool may have.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryPush(uint sizeClass, uint record, VmapArea* area, long pagesMax)
    {
        Invariant.Assert(record != 0 && area->State is VmapAreaState.None or VmapAreaState.Pooled, $"Range {record} goes to a pool and is {area->State}.");
        Invariant.Assert(
            ClassOf(area->Pages, area->GuardPages) == sizeClass && sizeClass < Classes,
            $"A range of {area->Pages} pages goes to stack {sizeClass} of a pool.");
        Invariant.Assert(Pages >= 0 && record != _heads[sizeClass], $"A pool of {Pages} pages gets range {record} twice.");
        long pages = Pages + area->Pages + area->GuardPages;
        if (pages > pagesMax || _counts[sizeClass] == ushort.MaxValue)
        {
            return false;
        }

        Pages = pages;
        area->Next = _heads[sizeClass];
        _heads[sizeClass] = record;
        _counts[sizeClass]++;
        area->MoveTo(VmapAreaState.Pooled);
        Invariant.Assert(Pages <= pagesMax && _counts[sizeClass] != 0, $"A pool of {Pages} pages has {_counts[sizeClass]} ranges in stack {sizeClass}.");
        return true;
    }
}
