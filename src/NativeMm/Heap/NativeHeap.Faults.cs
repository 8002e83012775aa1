using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Heap.Sampled;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Heap;

/// <content>What to say when something is wrong.</content>
public sealed unsafe partial class NativeHeap
{
    private readonly FaultNotes _faultNotes = new();

    /// <summary>Whether an address lies in a slab or a large block of this heap.</summary>
    internal bool HoldsMemoryAt(nuint address) => !_disposed && (
        _space.Contains(address) ? (_space.OwnerOf(address) ^ _tag) < SizeClass.Count : _large.StartOf(address) != 0);

    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void* ThrowOutOfMemory(nuint byteCount, nuint alignment)
    {
        FrameStatistics statistics = _space.Frames.GetStatistics();
        int largest = Order.MaxValue;
        while (largest > 0 && statistics.FreeBlocks[largest] == 0)
        {
            largest--;
        }

        ulong free = statistics.FreeFrames + statistics.PerCoreFrames;
        MemoryFaultCounts.AddFailedAllocation();
        NativeMmEventSource.Log.OutOfMemory((long)byteCount, (long)(free << Pfn.FrameShift), (long)_space.Bytes);
        string where = byteCount > MachineMemory.BlockBytesMax
            ? $"the machine has {MachineMemory.BlockBytesMax} bytes of memory and swap space"
            : byteCount > SizeClass.BytesMax || alignment > SizeClass.BytesMax
            ? "the operating system refused the mapping that a block of this size has for itself." + ResourceLimits.ExplainAddresses()
            : $"{free} of {statistics.ManagedFrames} frames are free, the largest free block is of order {largest}; " +
              $"the limit is {_space.Bytes} bytes (MemoryRuntimeOptions.CapacityBytes)";
        throw new OutOfMemoryException($"Heap '{Name}' cannot allocate {byteCount} bytes at a multiple of {alignment}: {where.TrimEnd('.')}.");
    }

    private void ThrowIfFault(BlockFault fault)
    {
        if (fault.Kind != BlockFaultKind.None)
        {
            throw Fault(fault);
        }
    }

    /// <summary>
    /// For a mistake that a trim pass finds, under its locks: there is no caller here who could be told, so it only leaves its event, by
    /// <see cref="TellFaults"/>.
    /// </summary>
    private void ReportIfFault(BlockFault fault)
    {
        if (fault.Kind != BlockFaultKind.None)
        {
            _faultNotes.Add(fault);
        }
    }

    /// <summary>Leaves the events of what trim passes found. The caller holds no lock.</summary>
    internal void TellFaults()
    {
        while (_faultNotes.TryTake(out BlockFault fault))
        {
            _ = Fault(fault);
        }
    }

    private MemoryFaultException Fault(BlockFault fault) => fault.Kind == BlockFaultKind.DoubleFree
        ? Fault(MemoryFaultKind.DoubleFree, fault.Address, "was freed twice: it was free already when the thread's cache gave it back")
        : Fault(MemoryFaultKind.NotBlockStart, fault.Address, "was freed but lies inside a block, not at its start");

    /// <summary>Finds out why a pointer is not a block of this heap.</summary>
    private MemoryFaultException Fault(nuint address)
    {
        if (GuardedPages.IfMade is { } guarded && guarded.Contains(address))
        {
            // Free asks the guards of its own heap first, so these are others: a heap without guards, or a question after the size.
            return guarded.Mistake(address, Name, _sampled is null ? "Free" : "UsableSize");
        }

        nuint start = _large.StartOf(address);
        if (start != 0)
        {
            return Fault(MemoryFaultKind.NotBlockStart, address, $"lies {address - start} bytes inside the large block at 0x{start:x}, not at its start");
        }

        NativeHeap? owner = _space.HeapOf(address);
        if (owner is null)
        {
            return _space.Contains(address)
                ? Fault(MemoryFaultKind.DoubleFree, address, "lies in frames that no heap holds any more: its whole slab was freed before")
                : Fault(MemoryFaultKind.ForeignPointer, address, "is not memory of any heap of this runtime, or a large block that was freed before");
        }

        return ReferenceEquals(owner, this)
            ? Fault(MemoryFaultKind.NotBlockStart, address, "lies in a slab of this heap but not at the start of a block that is in use")
            : Fault(MemoryFaultKind.WrongHeap, address, $"belongs to heap '{owner.Name}'");
    }

    /// <summary>Makes the exception and leaves the event.</summary>
    private MemoryFaultException Fault(MemoryFaultKind kind, nuint address, string what)
    {
        string message = $"Heap '{Name}': the pointer 0x{address:x} {what}.";
        return MemoryFault.Make(kind, address, message);
    }
}
