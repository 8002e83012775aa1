using NativeMm.Diagnostics;
using NativeMm.Heap.Checked;

namespace NativeMm.Heap;

/// <content>What the checked mode stands on: single blocks straight from the depots, past the thread caches.</content>
public sealed unsafe partial class NativeHeap : IRawHeap
{
    /// <inheritdoc/>
    void* IRawHeap.RawAlloc(nuint bytes, nuint alignment, bool zeroed)
    {
        Invariant.Assert(_checked is not null, "A block is taken past the caches of a heap that is not checked.");
        nuint classBytes = ClassBytesFor(bytes, alignment);
        if (classBytes == 0)
        {
            return _large.TryAlloc(bytes, alignment, zeroed, out nuint large) ? (void*)large : null;
        }

        Depot depot = _depots[SizeClass.ForBytes(classBytes).Value];
        if (!depot.TryTakeOne(out nuint block, out bool knownZero))
        {
            return TryAllocOverflow(classBytes, zeroed);
        }

        Invariant.Assert((block & (alignment - 1)) == 0 && classBytes >= bytes, $"A block of {classBytes} bytes at 0x{block:x} is handed out for {bytes} at a multiple of {alignment}.");
        if (zeroed && !knownZero)
        {
            new Span<byte>((void*)block, (int)classBytes).Clear();
        }

        return (void*)block;
    }

    /// <inheritdoc/>
    void IRawHeap.RawFree(void* block)
    {
        nuint address = (nuint)block;
        if (!_space.Contains(address))
        {
            bool freed = _large.TryFree(address);
            Invariant.Check(freed, $"The checked mode freed a large block at 0x{address:x} that is not allocated.");
            return;
        }

        BlockFault fault = _depots[_space.OwnerOf(address) ^ _tag].PutHome(new ReadOnlySpan<nuint>(in address));
        Invariant.Check(fault.Kind == BlockFaultKind.None, $"The checked mode freed 0x{address:x}: {fault.Kind}.");
    }
}
