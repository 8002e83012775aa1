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
    private readonly Replacement[] _script;
    private int _next;

    /// <summary>Allocates the blocks.</summary>
    /// <param name="order">The places to replace in turn.</param>
    /// <param name="sizes">The sizes to replace them with in turn; as many.</param>
    public LiveSet(ushort[] order, int[] sizes)
    {
        _script = [.. order.Zip(sizes, static (place, bytes) => new Replacement(place, bytes))];
        for (int i = 0; i < _blocks.Length; i++)
        {
            _blocks[i] = Allocate((nuint)sizes[i % sizes.Length]);
        }
    }

    /// <summary>Frees a block and allocates another in its place, again and again.</summary>
    public void Replace(int operations)
    {
        while (operations > 0)
        {
            int count = Math.Min(operations, _script.Length - _next);
            Replace(_blocks, _script.AsSpan(_next, count));
            _next = _next + count < _script.Length ? _next + count : 0;
            operations -= count;
        }
    }

    // A method with three variables: the loop should cost registers, not memory, whoever is called in it.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Replace(THandle[] blocks, ReadOnlySpan<Replacement> script)
    {
        ref THandle first = ref MemoryMarshal.GetArrayDataReference(blocks);
        ref Replacement step = ref MemoryMarshal.GetReference(script);
        ref Replacement end = ref Unsafe.Add(ref step, script.Length);
        for (; Unsafe.IsAddressLessThan(ref step, ref end); step = ref Unsafe.Add(ref step, 1))
        {
            ref THandle slot = ref Unsafe.Add(ref first, (uint)step.Place);
            TAllocator.Free(slot);
            slot = Allocate((nuint)step.Bytes);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static THandle Allocate(nuint bytes)
    {
        THandle block = TAllocator.Alloc(bytes);
        block.Touch(0);
        block.Touch(bytes - 1);
        return block;
    }
}
