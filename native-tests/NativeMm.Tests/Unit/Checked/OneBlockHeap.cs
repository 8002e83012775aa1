using System.Runtime.InteropServices;
using NativeMm.Heap.Checked;

namespace NativeMm.Tests.Unit.Checked;

/// <summary>A raw heap that hands the same page out again and again.</summary>
internal sealed unsafe class OneBlockHeap : IRawHeap
{
    private readonly void* _page = NativeMemory.AlignedAlloc(4096, 4096);

    ~OneBlockHeap() => NativeMemory.AlignedFree(_page);

    public string Name => "one";

    public void* RawAlloc(nuint bytes, nuint alignment, bool zeroed) => _page;

    public void RawFree(void* block)
    {
    }
}
