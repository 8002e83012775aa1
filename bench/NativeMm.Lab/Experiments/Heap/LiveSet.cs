using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeMm.Lab.Peers;

namespace NativeMm.Lab.Experiments.Heap;

/// <summary>A thousand live blocks and the tables that say which one is replaced next. One thread at a time.</summary>
internal sealed class LiveSet<TAllocator, THandle>
    where TAllocator : struct, IAllocatorUnderTest<THandle>
    where THandle : struct, IBlockHandle
{
    private readonly THandle[] _blocks = new THandle[ReplacementTables.Live];
    private readonly ushort[] _order;
    private readonly int[] _sizes;
    private int _place;
    private int _size;

    /// <summary>Allocates the blocks.</summary>
    public LiveSet(ushort[] order, int[] sizes)
    {
        _order = order;
        _sizes = sizes;
        for (int i = 0; i < _blocks.Length; i++)
        {
            _blocks[i] = Allocate(_sizes[i % _sizes.Length]);
        }
    }

    /// <summary>Frees a block and allocates another in its place, again and again.</summary>
    public void Replace(int operations)
    {
        ref ushort order = ref MemoryMarshal.GetArrayDataReference(_order);
        ref int sizes = ref MemoryMarshal.GetArrayDataReference(_sizes);
        ref THandle blocks = ref MemoryMarshal.GetArrayDataReference(_blocks);
        int place = _place;
        int size = _size;
        int places = _order.Length;
        int sizeMask = _sizes.Length - 1;
        for (int i = 0; i < operations; i++)
        {
            ref THandle slot = ref Unsafe.Add(ref blocks, (uint)Unsafe.Add(ref order, (uint)place));
            TAllocator.Free(slot);
            slot = Allocate(Unsafe.Add(ref sizes, (uint)size));
            size = (size + 1) & sizeMask;
            place++;
            place = place == places ? 0 : place;
        }

        _place = place;
        _size = size;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static THandle Allocate(int bytes)
    {
        THandle block = TAllocator.Alloc((nuint)bytes);
        block.Touch(0);
        block.Touch((nuint)bytes - 1);
        return block;
    }
}
