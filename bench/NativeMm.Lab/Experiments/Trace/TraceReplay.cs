using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeMm.Lab.Peers;
using NativeMm.Lab.Traces;

namespace NativeMm.Lab.Experiments.Trace;

/// <summary>Performs records in recorded order on the calling thread.</summary>
internal static class TraceReplay
{
    /// <summary>Performs all records. Every block's first and last byte is written.</summary>
    /// <param name="records">The records; checked before, so that no index is.</param>
    /// <param name="slots">A place for every object, all empty.</param>
    public static void Run<TAllocator, THandle>(TraceRecord[] records, THandle[] slots)
        where TAllocator : struct, IAllocatorUnderTest<THandle>
        where THandle : struct, IBlockHandle
    {
        ref THandle first = ref MemoryMarshal.GetArrayDataReference(slots);
        ref TraceRecord record = ref MemoryMarshal.GetArrayDataReference(records);
        ref TraceRecord end = ref Unsafe.Add(ref record, records.Length);
        for (; Unsafe.IsAddressLessThan(ref record, ref end); record = ref Unsafe.Add(ref record, 1))
        {
            Perform<TAllocator, THandle>(in record, ref Unsafe.Add(ref first, record.Object));
        }
    }

    /// <summary>Performs one record.</summary>
    /// <param name="record">What to do.</param>
    /// <param name="slot">The object's place.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Perform<TAllocator, THandle>(ref readonly TraceRecord record, ref THandle slot)
        where TAllocator : struct, IAllocatorUnderTest<THandle>
        where THandle : struct, IBlockHandle
    {
        THandle block;
        nuint size = (nuint)record.Size;
        switch (record.Operation)
        {
            case TraceOperation.Allocate:
                block = record.AlignmentLog2 == 0
                    ? TAllocator.Alloc(size)
                    : TAllocator.AlignedAlloc(size, (nuint)1 << record.AlignmentLog2);
                break;
            case TraceOperation.AllocateZeroed:
                block = TAllocator.AllocZeroed(size);
                break;
            case TraceOperation.Free:
                TAllocator.Free(slot);
                slot = default;
                return;
            default:
                block = TAllocator.Realloc(slot, size);
                break;
        }

        slot = block;
        if (block.Exists && size != 0)
        {
            block.Touch(0);
            block.Touch(size - 1);
        }
    }

    /// <summary>Frees what the trace leaves behind.</summary>
    public static void FreeRest<TAllocator, THandle>(THandle[] slots)
        where TAllocator : struct, IAllocatorUnderTest<THandle>
        where THandle : struct, IBlockHandle
    {
        foreach (ref THandle slot in slots.AsSpan())
        {
            if (slot.Exists)
            {
                TAllocator.Free(slot);
                slot = default;
            }
        }
    }
}
