using System.Runtime.InteropServices;
using NativeMm.Lab.Experiments.Vmalloc;
using Xunit;

namespace NativeMm.Tests.Unit.Lab;

/// <summary>
/// Pages that notice a free of what was not given, or of another size, and pages that nobody wrote; refuses alignments that no machine has.
/// For one thread.
/// </summary>
internal readonly unsafe struct CheckingRanges(Dictionary<nuint, nuint> live, List<(nuint Bytes, nuint Alignment)> asked) : IVmallocUnderTest
{
    public const nuint Page = 4096;
    public const nuint AlignmentMax = 1 << 24;

    public nuint Alloc(nuint bytes, nuint alignment)
    {
        asked.Add((bytes, alignment));
        if (alignment > AlignmentMax)
        {
            return 0;
        }

        nuint address = (nuint)NativeMemory.AlignedAlloc(bytes, nuint.Max(alignment, Page));
        NativeMemory.Clear((void*)address, bytes);
        live.Add(address, bytes);
        return address;
    }

    public nuint AllocNoBlock(nuint bytes) => Alloc(bytes, Page);

    public void Free(nuint address, nuint bytes)
    {
        for (nuint offset = 0; offset < bytes; offset += Page)
        {
            Assert.True(*(byte*)(address + offset) == 1 || bytes == Page, $"Page {offset / Page} of {bytes} bytes was not written.");
        }

        Forget(address, bytes);
    }

    public void PrepareMapRam(int threads, int pages)
    {
    }

    public nuint MapRam(int thread, int pages) => Alloc((nuint)pages * Page, Page);

    public void UnmapRam(nuint address, int pages) => Free(address, (nuint)pages * Page);

    public nuint AllocPerCore(nuint bytes, nuint alignment) => Alloc(bytes, alignment);

    public void FreePerCore(nuint handle) => Forget(handle, live[handle]);

    public long CountUnmapCalls(long frees) => frees;

    private void Forget(nuint address, nuint bytes)
    {
        Assert.True(live.Remove(address, out nuint given), "An area was freed that is not live.");
        Assert.Equal(given, bytes);
        NativeMemory.AlignedFree((void*)address);
    }
}
