using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeMm.Heap;

namespace NativeMm.Tests.Child.Scenarios;

/// <summary>Runs each method whose generated code a test looks at, once. The methods stand for callers of the shared heap.</summary>
internal static unsafe class HeapCodeScenario
{
    public static int Run(string[] arguments)
    {
        // The heap exists before the methods are compiled, as it does in any program that is warm.
        NativeHeap.Shared.Free(NativeHeap.Shared.Alloc(1));
        void* constant = AllocConstantOfShared();
        void* variable = AllocVariableOfShared(100);
        bool worked = NativeHeap.Shared.Owns(constant) && NativeHeap.Shared.Owns(variable);
        FreeOfShared(constant);
        FreeOfShared(variable);
        nint[] blocks = new nint[8];
        AllocLoopOfShared(blocks);
        worked &= NativeHeap.Shared.Owns((void*)blocks[^1]);
        FreeLoopOfShared(blocks);
        AllocStoreLoopOfShared(blocks, 64);
        FreeOrderLoopOfShared(blocks, [7, 1, 2, 3, 4, 5, 6, 0]);
        return worked && !NativeHeap.Shared.Owns(constant) ? 0 : 3;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void* AllocConstantOfShared() => NativeHeap.Shared.Alloc(64);

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void* AllocVariableOfShared(nuint bytes) => NativeHeap.Shared.Alloc(bytes);

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void FreeOfShared(void* block) => NativeHeap.Shared.Free(block);

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void AllocLoopOfShared(nint[] blocks)
    {
        for (int i = 0; i < blocks.Length; i++)
        {
            blocks[i] = (nint)NativeHeap.Shared.Alloc(64);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void FreeLoopOfShared(nint[] blocks)
    {
        foreach (nint block in blocks)
        {
            NativeHeap.Shared.Free((void*)block);
        }
    }

    /// <summary>A size that is not a constant, and stores into the block.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void AllocStoreLoopOfShared(nint[] blocks, nuint bytes)
    {
        ref nint slot = ref MemoryMarshal.GetArrayDataReference(blocks);
        ref nint end = ref Unsafe.Add(ref slot, blocks.Length);
        for (; Unsafe.IsAddressLessThan(ref slot, ref end); slot = ref Unsafe.Add(ref slot, 1))
        {
            byte* block = (byte*)NativeHeap.Shared.Alloc(bytes);
            block[0] = 1;
            block[bytes - 1] = 1;
            slot = (nint)block;
        }
    }

    /// <summary>Blocks in the order of another array.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void FreeOrderLoopOfShared(nint[] blocks, ushort[] order)
    {
        ref nint first = ref MemoryMarshal.GetArrayDataReference(blocks);
        ref ushort place = ref MemoryMarshal.GetArrayDataReference(order);
        ref ushort end = ref Unsafe.Add(ref place, order.Length);
        for (; Unsafe.IsAddressLessThan(ref place, ref end); place = ref Unsafe.Add(ref place, 1))
        {
            NativeHeap.Shared.Free((void*)Unsafe.Add(ref first, (uint)place));
        }
    }
}
