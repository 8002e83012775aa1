using NativeMm.Diagnostics;
using NativeMm.Heap.Checked;

namespace NativeMm.Heap.Sampled;

/// <content>What to say when something is wrong.</content>
internal sealed unsafe partial class GuardedPages
{
    /// <summary>Finds out what is wrong with an address of the range that was handed to a heap.</summary>
    /// <param name="address">The address.</param>
    /// <param name="heapName">The heap that was asked.</param>
    /// <param name="verb">What it was asked.</param>
    public MemoryFaultException Mistake(nuint address, string heapName, string verb)
    {
        _lock.Enter();
        GuardedSlot slot = _slots[IndexOf(address)];
        _lock.Exit();
        return Mistake(slot, address, heapName, verb);
    }

    /// <summary>Checks the blocks of a heap for bytes that were written beside them, and the slots. At rest.</summary>
    /// <exception cref="MemoryFaultException">Bytes beside a block were written.</exception>
    /// <exception cref="InvariantViolationException">The slots do not add up.</exception>
    public void Validate(SampledGuards owner)
    {
        int inUse = 0;
        int damagedIndex = -1;
        nuint where = 0;
        byte found = 0;
        _lock.Enter();
        for (int index = 0; index < _slots.Length; index++)
        {
            // Under the lock: nobody can forbid the page of a live block meanwhile.
            ref readonly GuardedSlot slot = ref _slots[index];
            inUse += slot.State is GuardState.Live or GuardState.Changing ? 1 : 0;
            if (damagedIndex < 0 && slot.State == GuardState.Live && ReferenceEquals(slot.Owner, owner) && TryFindDamage(index, slot, out where))
            {
                damagedIndex = index;
                found = *(byte*)where;
            }
        }

        GuardedSlot damaged = damagedIndex < 0 ? default : _slots[damagedIndex];
        int resting = _restingCount;
        _lock.Exit();
        Invariant.Check(inUse + resting == _slots.Length, $"Of {_slots.Length} guarded slots {inUse} are in use and {resting} rest.");
        if (damagedIndex >= 0)
        {
            throw Overrun(damaged, where, found);
        }
    }

    private static MemoryFaultException Mistake(GuardedSlot slot, nuint address, string heapName, string verb)
    {
        bool isStart = slot.Address == address;
        bool isLive = slot.State == GuardState.Live;
        if (slot.Address == 0)
        {
            return Fault(MemoryFaultKind.ForeignPointer, address, $"{verb} of a foreign pointer: 0x{address:x} lies in a sampled guard that never held a block.");
        }

        if (!isStart)
        {
            return Fault(
                MemoryFaultKind.NotBlockStart,
                address,
                $"{verb} of a pointer that is not the start of a block: 0x{address:x} lies in or beside the {(isLive ? "live" : "already freed")} " +
                $"{Describe(slot)}.{Stacks(slot)}");
        }

        if (isLive)
        {
            return Fault(MemoryFaultKind.WrongHeap, address, $"{verb} in the wrong heap: {Describe(slot)} is not of heap '{heapName}'.{Stacks(slot)}");
        }

        return verb == "Free"
            ? Fault(MemoryFaultKind.DoubleFree, address, $"Double free: {Describe(slot)} is free already; look for a second owner of the pointer.{Stacks(slot)}")
            : Fault(MemoryFaultKind.UseAfterFree, address, $"{verb} after free: {Describe(slot)} is free already.{Stacks(slot)}");
    }

    private static MemoryFaultException Overrun(GuardedSlot slot, nuint where, byte found) => Fault(
        MemoryFaultKind.Overrun,
        where,
        $"Overrun: {Describe(slot)} was written outside of its bounds: 0x{where:x} holds 0x{found:x2}, {Place(slot, where)} it.{Stacks(slot)}");

    private static MemoryFaultException Fault(MemoryFaultKind kind, nuint address, string message)
    {
        return MemoryFault.Make(kind, address, message);
    }

    private static string Describe(GuardedSlot slot) =>
        $"sampled block 0x{slot.Address:x} of {slot.Bytes} bytes (to 0x{slot.Address + slot.Bytes:x}) of heap '{slot.Owner?.HeapName}'";

    private static string Place(GuardedSlot slot, nuint address) => address < slot.Address
        ? $"{slot.Address - address} bytes before"
        : $"{address - slot.Address - slot.Bytes} bytes past the end of";

    private static string Stacks(GuardedSlot slot) => Paragraph("Allocated at:", slot.AllocatedAt) + Paragraph("Freed at:", slot.FreedAt);

    private static string Paragraph(string heading, string? stack) =>
        string.IsNullOrEmpty(stack) ? string.Empty : $"{Environment.NewLine}{heading}{Environment.NewLine}{stack}";

    /// <summary>Lays the text for a fault ready; false when there is no managed memory for it.</summary>
    private bool TryWriteText(int index, GuardedSlot slot)
    {
        try
        {
            string what = slot.State == GuardState.Live
                ? $", which is outside of the live {Describe(slot)}: an overrun if it lies past the end, an underrun if before."
                : $", which is in or beside the freed {Describe(slot)}: a use after free.";
            GuardText.Write(RecordOf(index), what + Stacks(slot));
            return true;
        }
        catch (OutOfMemoryException)
        {
            return false;
        }
    }

    /// <summary>
    /// The first byte beside a block that was written. Allocations that read as zero may clear up to the next multiple of 16 bytes: a rest that is zero
    /// as a whole is no damage.
    /// </summary>
    private bool TryFindDamage(int index, in GuardedSlot slot, out nuint where)
    {
        nuint page = PageOf(index);
        nuint end = slot.Address + slot.Bytes;
        nuint rest = ((end + 15) & ~(nuint)15) - end;
        bool isCleared = rest != 0 && !BlockPaint.TryFindDamage(end, rest, 0, out _);
        nuint checkFrom = isCleared ? end + rest : end;
        return BlockPaint.TryFindDamage(page, slot.Address - page, BlockPaint.RedZone, out where)
            || BlockPaint.TryFindDamage(checkFrom, page + PageBytes - checkFrom, BlockPaint.RedZone, out where);
    }
}
