// Purpose      pages that hold one block each, with a forbidden page on either side, and stay forbidden for a while after its free.
// States       see GuardState. The range is
//                 | guard | page 0 | guard | page 1 | guard | … | guard |
//              and slot i reaches half a page to either side of its page: the nearer block is the likelier one to have been left.
// Ownership    slots and the queue of resting slots under the lock; a slot in Changing belongs to one thread, and so does its page. The texts
//              are written by that thread and read by the fault handler, which may see a mixture.
// Reuse        slots rest in a queue: never used ones first, then the one freed first. RestingMin of them always stay behind.
// Progress     no call of the system, no managed allocation and no other lock under the lock.
// Source       GWP-ASan and Electric Fence.

using System.Diagnostics.CodeAnalysis;
using NativeMm.Diagnostics;
using NativeMm.Heap.Checked;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Heap.Sampled;

/// <summary>The guarded slots of all heaps of the process. Thread-safe. Lives as long as the process.</summary>
internal sealed unsafe partial class GuardedPages
{
    /// <summary>Slots of the process: 4 MiB of memory if all are in use.</summary>
    public const int SlotsOfProcess = 512;

    /// <summary>Slots that stay behind when one is taken, so that a freed one rests.</summary>
    public const int RestingMin = 64;

    private static GuardedPages? s_ofProcess;

    private readonly IMemoryPlatform _platform;
    private readonly GuardedSlot[] _slots;
    private readonly int[] _resting;
    private readonly nuint _region;
    private readonly nuint _records;
    private SpinLock<NoLockStatistics> _lock;
    private int _restingHead;
    private int _restingCount;

    private GuardedPages(IMemoryPlatform platform, int slots, nuint region, nuint records)
    {
        _platform = platform;
        _region = region;
        _records = records;
        _slots = new GuardedSlot[slots];
        _resting = [.. Enumerable.Range(0, slots)];
        _restingCount = slots;
    }

    /// <summary>Those of the process, or null as long as no heap guarded anything.</summary>
    public static GuardedPages? IfMade => Atomic.LoadAcquire(ref s_ofProcess);

    /// <summary>Bytes of the page of a slot, and so of the largest block.</summary>
    public nuint PageBytes => _platform.PageBytes;

    private nuint Start => _region + (PageBytes / 2);

    private nuint Bytes => (nuint)_slots.Length * PageBytes * 2;

    /// <summary>Those of the process, with the fault handler before them; null when the system refuses.</summary>
    public static GuardedPages? OfProcess()
    {
        if (IfMade is { } made)
        {
            return made;
        }

        if (!TryMake(SystemPlatform.Current, SlotsOfProcess, out GuardedPages? mine))
        {
            return null;
        }

        if (!Atomic.CompareExchange(ref s_ofProcess, null, mine))
        {
            mine.Release();
            return IfMade;
        }

        // Without the handler a fault still stops the process, if with fewer words.
        _ = GuardFaultHandler.Install(mine.Map(), mine.PageBytes);
        return mine;
    }

    /// <summary>Reserves slots; false when the system refuses, and then nothing is left.</summary>
    public static bool TryMake(IMemoryPlatform platform, int slots, [NotNullWhen(true)] out GuardedPages? pages)
    {
        pages = null;
        nuint bytes = RegionBytes(platform, slots);
        if (!platform.Reserve(bytes, platform.PageBytes, out nuint region).Succeeded)
        {
            return false;
        }

        nuint records = 0;
        if (!platform.Protect(region, bytes, accessible: false).Succeeded
            || !platform.Reserve((nuint)slots << GuardText.RecordShift, platform.PageBytes, out records).Succeeded)
        {
            _ = platform.Release(region, bytes);
            return false;
        }

        pages = new GuardedPages(platform, slots, region, records);
        return true;
    }

    /// <summary>Whether an address lies in a slot or in a guard beside it.</summary>
    public bool Contains(nuint address) => address - Start < Bytes;

    /// <summary>Gives all memory back. Only for slots that nobody uses.</summary>
    public void Release()
    {
        _platform.ReleaseOrKeep(_region, RegionBytes(_platform, _slots.Length));
        _platform.ReleaseOrKeep(_records, (nuint)_slots.Length << GuardText.RecordShift);
    }

    /// <summary>Takes a slot that has rested long enough; it must be opened or given back.</summary>
    public bool TryClaim(out int index)
    {
        _lock.Enter();
        bool free = _restingCount > RestingMin;
        index = free ? _resting[_restingHead] : -1;
        if (free)
        {
            _restingHead = (_restingHead + 1) % _resting.Length;
            Invariant.Assert(
                _slots[index].State is GuardState.Unused or GuardState.Freed,
                $"Slot {index} of the guarded pages is taken and is {_slots[index].State}.");
            _restingCount--;
            _slots[index].State = GuardState.Changing;
        }

        _lock.Exit();
        return free;
    }

    /// <summary>Gives a claimed slot back that got no block.</summary>
    public void GiveBack(int index)
    {
        Invariant.Assert(_slots[index].State == GuardState.Changing, $"Slot {index} of the guarded pages is given back and is {_slots[index].State}.");
        _lock.Enter();
        Rest(index, _slots[index].Address == 0 ? GuardState.Unused : GuardState.Freed);
        _lock.Exit();
    }

    /// <summary>Makes a block in a claimed slot: at the beginning of its page, or as near to its end as the alignment allows.</summary>
    /// <param name="index">The slot.</param>
    /// <param name="bytes">1 to <see cref="PageBytes"/>.</param>
    /// <param name="alignment">Power of two, at most <see cref="PageBytes"/>.</param>
    /// <param name="atEnd">Whether an overrun is to be found at once, rather than an underrun.</param>
    /// <param name="owner">Whose block it is.</param>
    /// <param name="allocatedAt">Where it was allocated, as lines.</param>
    /// <returns>The block; 0 when the system refuses, and then the slot was given back.</returns>
    public nuint Open(int index, nuint bytes, nuint alignment, bool atEnd, SampledGuards owner, string allocatedAt)
    {
        nuint page = PageOf(index);
        Invariant.Assert(
            bytes is > 0 && bytes <= PageBytes && _slots[index].State == GuardState.Changing,
            $"A guarded block of {bytes} bytes is made in slot {index}, which is {_slots[index].State}.");
        nuint block = atEnd ? (page + PageBytes - bytes) & ~(alignment - 1) : page;
        var slot = new GuardedSlot { State = GuardState.Live, Address = block, Bytes = bytes, Owner = owner, AllocatedAt = allocatedAt };
        if (!TryWriteText(index, slot) || !_platform.Protect(page, PageBytes, accessible: true).Succeeded)
        {
            GiveBack(index);
            return 0;
        }

        Invariant.Assert(
            block >= page && block + bytes <= page + PageBytes && (block & (alignment - 1)) == 0,
            $"A guarded block of {bytes} bytes at 0x{block:x} is not in its page.");
        BlockPaint.Fill(page, block - page, BlockPaint.RedZone);
        BlockPaint.Fill(block + bytes, page + PageBytes - block - bytes, BlockPaint.RedZone);
        _lock.Enter();
        _slots[index] = slot;
        _lock.Exit();
        return block;
    }

    /// <summary>Frees a block: its page is forbidden and holds no memory from here on.</summary>
    /// <param name="block">Any address in the range.</param>
    /// <param name="owner">The heap that was asked.</param>
    /// <param name="overrun">Set when bytes beside the block were written; it is freed all the same.</param>
    /// <exception cref="MemoryFaultException">The address is not the start of a live block of that heap; nothing has changed.</exception>
    public void Free(nuint block, SampledGuards owner, out MemoryFaultException? overrun)
    {
        int index = IndexOf(block);
        _lock.Enter();
        GuardedSlot slot = _slots[index];
        bool matches = slot.State == GuardState.Live && slot.Address == block && ReferenceEquals(slot.Owner, owner);
        if (matches)
        {
            _slots[index].State = GuardState.Changing;
        }

        _lock.Exit();
        if (!matches)
        {
            throw Mistake(slot, block, owner.HeapName, "Free");
        }

        bool damaged = TryFindDamage(index, slot, out nuint where);
        byte found = damaged ? *(byte*)where : (byte)0;
        slot.FreedAt = SampledGuards.StackOrNothing();
        Close(index, slot);
        overrun = damaged ? Overrun(slot, where, found) : null;
    }

    /// <summary>Bytes of the live block of a heap that begins at an address; 0 when none does.</summary>
    public nuint BytesOf(nuint address, SampledGuards owner)
    {
        _lock.Enter();
        GuardedSlot slot = _slots[IndexOf(address)];
        _lock.Exit();
        return slot.State == GuardState.Live && slot.Address == address && ReferenceEquals(slot.Owner, owner) ? slot.Bytes : 0;
    }

    /// <summary>Frees all blocks of a heap that ends.</summary>
    public void FreeAll(SampledGuards owner)
    {
        for (int index = 0; index < _slots.Length; index++)
        {
            _lock.Enter();
            GuardedSlot slot = _slots[index];
            bool matches = slot.State == GuardState.Live && ReferenceEquals(slot.Owner, owner);
            if (matches)
            {
                _slots[index].State = GuardState.Changing;
            }

            _lock.Exit();
            if (matches)
            {
                slot.FreedAt = "   with its heap";
                Close(index, slot);
            }
        }
    }

    private static nuint RegionBytes(IMemoryPlatform platform, int slots) => (((nuint)slots * 2) + 1) * platform.PageBytes;

    private nuint PageOf(int index) => _region + (((nuint)index * 2) + 1) * PageBytes;

    private nuint RecordOf(int index) => _records + ((nuint)index << GuardText.RecordShift);

    private int IndexOf(nuint address) => (int)((address - Start) / (PageBytes * 2));

    /// <summary>Forbids the page of a slot in Changing and lets the slot rest. It cannot fail: a page that the system does not forbid is poisoned.</summary>
    private void Close(int index, GuardedSlot slot)
    {
        slot.State = GuardState.Freed;
        _ = TryWriteText(index, slot);
        Invariant.Assert(_slots[index].State == GuardState.Changing, $"Slot {index} of the guarded pages is closed and is {_slots[index].State}.");
        nuint page = PageOf(index);
        if (!_platform.Revoke(page, PageBytes).Succeeded && !_platform.Protect(page, PageBytes, accessible: false).Succeeded)
        {
            BlockPaint.Fill(page, PageBytes, BlockPaint.Poison);
        }

        _lock.Enter();
        _slots[index] = slot;
        Rest(index, GuardState.Freed);
        _lock.Exit();
    }

    private void Rest(int index, GuardState state)
    {
        Invariant.Assert(
            _lock.IsHeld && _restingCount < _resting.Length && state is GuardState.Unused or GuardState.Freed,
            $"Slot {index} rests beside {_restingCount} others, as {state}.");
        _slots[index].State = state;
        _resting[(_restingHead + _restingCount) % _resting.Length] = index;
        _restingCount++;
    }

    private GuardMap Map() => new()
    {
        Start = Start,
        Bytes = Bytes,
        SlotShift = (uint)nuint.Log2(PageBytes * 2),
        RecordShift = GuardText.RecordShift,
        Records = _records,
        DigitsOffset = GuardText.DigitsOffset,
    };
}
