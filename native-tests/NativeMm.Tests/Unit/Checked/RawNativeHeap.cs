using System.Runtime.InteropServices;
using NativeMm.Heap.Checked;

namespace NativeMm.Tests.Unit.Checked;

/// <summary>A raw heap over the C library that counts what it has handed out and can be told to run dry.</summary>
internal sealed unsafe class RawNativeHeap(string name = "test") : IRawHeap
{
    private long _outstanding;
    private long _failuresLeft;

    public string Name { get; } = name;

    public long Outstanding => Interlocked.Read(ref _outstanding);

    /// <summary>The next calls that fail, as if there were no memory.</summary>
    public void FailNext(long calls) => Interlocked.Exchange(ref _failuresLeft, calls);

    public void* RawAlloc(nuint bytes, nuint alignment, bool zeroed)
    {
        if (Interlocked.Read(ref _failuresLeft) > 0 && Interlocked.Decrement(ref _failuresLeft) >= 0)
        {
            return null;
        }

        void* block = NativeMemory.AlignedAlloc(bytes, alignment);
        if (zeroed)
        {
            NativeMemory.Clear(block, bytes);
        }

        Interlocked.Increment(ref _outstanding);
        return block;
    }

    public void RawFree(void* block)
    {
        NativeMemory.AlignedFree(block);
        Interlocked.Decrement(ref _outstanding);
    }
}
