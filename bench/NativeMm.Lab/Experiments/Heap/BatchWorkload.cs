using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeMm.Lab.Peers;

namespace NativeMm.Lab.Experiments.Heap;

/// <summary>Allocate as many blocks as the order has places, then free them all in that order.</summary>
/// <param name="threads">Number of threads.</param>
/// <param name="size">Bytes of a block.</param>
/// <param name="order">For a thread, a permutation of the places: which block is freed first, second, and so on.</param>
internal sealed class BatchWorkload<TAllocator, THandle>(int threads, nuint size, Func<int, ushort[]> order) : HeapWorkload
    where TAllocator : struct, IAllocatorUnderTest<THandle>
    where THandle : struct, IBlockHandle
{
    private readonly THandle[][] _blocks = new THandle[threads][];
    private readonly ushort[][] _orders = [.. Enumerable.Range(0, threads).Select(order)];

    /// <inheritdoc/>
    public override int Granularity => _orders[0].Length;

    /// <inheritdoc/>
    public override void SetUp(int thread) => _blocks[thread] = new THandle[_orders[thread].Length];

    /// <inheritdoc/>
    public override void Run(int thread, int operations)
    {
        THandle[] blocks = _blocks[thread];
        for (int done = 0; done < operations; done += blocks.Length)
        {
            AllocateAll(blocks, size);
            FreeAll(blocks, _orders[thread]);
        }
    }

    // Two methods with three variables each: the loops should cost registers, not memory, whoever is called in them.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void AllocateAll(THandle[] blocks, nuint bytes)
    {
        ref THandle slot = ref MemoryMarshal.GetArrayDataReference(blocks);
        ref THandle end = ref Unsafe.Add(ref slot, blocks.Length);
        for (; Unsafe.IsAddressLessThan(ref slot, ref end); slot = ref Unsafe.Add(ref slot, 1))
        {
            THandle block = TAllocator.Alloc(bytes);
            block.Touch(0);
            block.Touch(bytes - 1);
            slot = block;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void FreeAll(THandle[] blocks, ushort[] order)
    {
        ref THandle first = ref MemoryMarshal.GetArrayDataReference(blocks);
        ref ushort place = ref MemoryMarshal.GetArrayDataReference(order);
        ref ushort end = ref Unsafe.Add(ref place, order.Length);
        for (; Unsafe.IsAddressLessThan(ref place, ref end); place = ref Unsafe.Add(ref place, 1))
        {
            TAllocator.Free(Unsafe.Add(ref first, (uint)place));
        }
    }
}
