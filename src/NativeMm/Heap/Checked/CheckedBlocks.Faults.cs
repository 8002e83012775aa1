using NativeMm.Diagnostics;

namespace NativeMm.Heap.Checked;

internal sealed unsafe partial class CheckedBlocks
{
    /// <summary>Finds out what is wrong with a pointer that is not a live block of this heap. Slow: it walks every ledger if it must.</summary>
    private MemoryFaultException Diagnose(nuint address, string verb)
    {
        if (_ledger.Find(address, out BlockState state) is { } known && state != BlockState.Live)
        {
            return AlreadyFree(known, verb);
        }

        if (_ledger.FindAround(address, out state) is { } around)
        {
            return around.Address == address ? AlreadyFree(around, verb) : Inside(around, state, address, verb);
        }

        foreach (CheckedBlocks other in CheckedHeaps.Others(this))
        {
            if (other._ledger.FindAround(address, out state) is { } foreign)
            {
                return OfOtherHeap(other, foreign, state, address, verb);
            }
        }

        return MemoryFault.Make(
            MemoryFaultKind.ForeignPointer,
            address,
            $"{verb} of a foreign pointer: 0x{address:x} is no block of heap '{Name}' nor of any other checked heap. It may come from another " +
            "allocator, from the stack or a pinned array, or from a block that was freed long ago.");
    }

    private MemoryFaultException AlreadyFree(CheckedBlock block, string verb)
    {
        // Reading the size is no second free; moving is one.
        MemoryFaultKind kind = verb == "UsableSize" ? MemoryFaultKind.UseAfterFree : MemoryFaultKind.DoubleFree;
        string mistake = verb == "Free" ? "Double free" : $"{verb} after free";

        // The start of a former block may by now lie inside a new one: a stale pointer is likelier than a miscalculated one, but say both.
        CheckedBlock? heir = _ledger.FindAround(block.Address, out BlockState heirState);
        string reuse = heir is not null && heirState == BlockState.Live && !ReferenceEquals(heir, block)
            ? $" Its memory lies {Place(heir, block.Address)} the live {Describe(heir)} now."
            : string.Empty;
        return MemoryFault.Make(
            kind,
            block.Address,
            $"{mistake}: {Describe(block)} is free already; look for a second owner of the pointer.{reuse}{Stacks(block)}");
    }

    private MemoryFaultException Inside(CheckedBlock block, BlockState state, nuint address, string verb) => MemoryFault.Make(
        MemoryFaultKind.NotBlockStart,
        address,
        $"{verb} of a pointer that is not the start of a block: 0x{address:x} lies {Place(block, address)} " +
        $"{(state == BlockState.Live ? "the live" : "the already freed")} {Describe(block)}; hand back the pointer that Alloc returned.{Stacks(block)}");

    private MemoryFaultException OfOtherHeap(CheckedBlocks other, CheckedBlock block, BlockState state, nuint address, string verb) => MemoryFault.Make(
        MemoryFaultKind.WrongHeap,
        address,
        $"{verb} in the wrong heap: 0x{address:x} {(address == block.Address ? "is" : "lies " + Place(block, address))} " +
        $"{(state == BlockState.Live ? "the live" : "the already freed")} {other.Describe(block)}, not of '{Name}'.{Stacks(block)}");

    private MemoryFaultException Overrun(CheckedBlock block, nuint damaged, string place) => MemoryFault.Make(
        MemoryFaultKind.Overrun,
        damaged,
        $"Overrun: {Describe(block)} was written outside of its bounds, {place}: 0x{damaged:x} holds 0x{*(byte*)damaged:x2} instead of " +
        $"0x{BlockPaint.RedZone:x2}.{Stacks(block)}");

    private MemoryFaultException UseAfterFree(CheckedBlock block, nuint damaged, byte value) => MemoryFault.Make(
        MemoryFaultKind.UseAfterFree,
        damaged,
        $"Use after free: {Describe(block)} was written after it was freed, {Place(block, damaged)} it: 0x{damaged:x} holds " +
        $"0x{value:x2}. The call that found it need not be the one at fault.{Stacks(block)}");

    private string Describe(CheckedBlock block) => $"block 0x{block.Address:x} of {block.Bytes} bytes of heap '{Name}'";

    private static string Place(CheckedBlock block, nuint address)
    {
        if (address < block.Address)
        {
            return $"{block.Address - address} bytes before";
        }

        nuint offset = address - block.Address;
        return offset < block.Bytes ? $"{offset} bytes inside" : $"{offset - block.Bytes} bytes past the end of";
    }

    private static string Stacks(CheckedBlock block) =>
        AllocationStack.Paragraph("Allocated at:", block.AllocatedAt) + AllocationStack.Paragraph("Freed at:", block.FreedAt);
}
