using System.Runtime.InteropServices;
using NativeMm.Heap;

namespace NativeMm.Buffers;

/// <summary>How the facade takes memory from a heap and gives it back.</summary>
internal static unsafe class HeapBlock
{
    /// <summary>Every block of a heap has at least this alignment.</summary>
    public const nuint AlignmentMin = 16;

    /// <summary>Allocates a block; 0 as the alignment means the heap's own.</summary>
    public static nuint Alloc(NativeHeap heap, nuint bytes, nuint alignment, bool zeroed)
    {
        if (alignment <= AlignmentMin)
        {
            return (nuint)(zeroed ? heap.AllocZeroedHere(bytes) : heap.AllocHere(bytes));
        }

        void* block = heap.AlignedAlloc(bytes, alignment);
        if (zeroed)
        {
            NativeMemory.Clear(block, bytes);
        }

        return (nuint)block;
    }

    /// <summary>Frees a block, if its heap still stands.</summary>
    public static void Free(NativeHeap heap, nuint address) => heap.FreeUnlessDisposed((void*)address);

    /// <summary>The same, beside a heap that may end at any moment.</summary>
    public static void FreeInBackground(NativeHeap heap, nuint address) => heap.FreeInBackground((void*)address);

    /// <summary>Frees the block of an owner that nobody disposed, and counts it. For finalizers: it never throws, and may meet the end of the heap.</summary>
    public static void FreeForgotten(NativeHeap heap, nuint address, nuint bytes)
    {
        ForgottenBuffers.Add(bytes);
        heap.FreeForgotten((void*)address);
    }
}
