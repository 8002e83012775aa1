using System.Runtime.InteropServices;
using NativeMm.Heap.Checked;

namespace NativeMm.Tests.Unit.Checked;

/// <summary>A raw heap that lets something happen in the middle of an allocation, as another thread might.</summary>
internal sealed unsafe class InterruptedHeap : IRawHeap
{
    public Action? BeforeNextAlloc { get; set; }

    public string Name => "interrupted";

    public void* RawAlloc(nuint bytes, nuint alignment, bool zeroed)
    {
        Action? interruption = BeforeNextAlloc;
        BeforeNextAlloc = null;
        interruption?.Invoke();
        return NativeMemory.AlignedAlloc(bytes, alignment);
    }

    public void RawFree(void* block) => NativeMemory.AlignedFree(block);
}
