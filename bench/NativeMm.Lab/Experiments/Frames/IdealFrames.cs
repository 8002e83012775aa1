using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeMm.Frames;
using NativeMm.Primitives;

namespace NativeMm.Lab.Experiments.Frames;

/// <summary>
/// The least that a lock-free allocator of frames must do: three compare-and-swaps for a get and three for a put, each on a line of memory that
/// nobody but the calling thread knows. It gives no frames. What it costs here, and how it grows with threads, is what the machine can do.
/// </summary>
internal readonly unsafe struct IdealFrames(IFrameAllocator allocator) : IFramesUnderTest
{
    private const int Lines = 3;
    private const nuint LineWords = CacheLine.Isolation / sizeof(ulong);

    [ThreadStatic]
    private static ulong* t_lines;

    /// <inheritdoc/>
    public IFrameAllocator Allocator => allocator;

    /// <inheritdoc/>
    public bool TryGet(Order order, out Pfn frame)
    {
        frame = default;
        Step(1);
        return true;
    }

    /// <inheritdoc/>
    public void Put(Pfn frame, Order order) => Step(ulong.MaxValue);

    private static void Step(ulong change)
    {
        ulong* lines = t_lines != null ? t_lines : MakeLines();
        for (nuint i = 0; i < Lines; i++)
        {
            ref ulong word = ref lines[i * LineWords];
            ulong before = word;
            if (!Atomic.CompareExchange(ref word, before, before + change))
            {
                throw new InvalidOperationException("Somebody else has written to a private line.");
            }
        }
    }

    // Never freed: a measuring thread lives as long as its process.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong* MakeLines()
    {
        t_lines = (ulong*)NativeMemory.AlignedAlloc((Lines + 1) * CacheLine.Isolation, CacheLine.Isolation);
        NativeMemory.Clear(t_lines, (Lines + 1) * CacheLine.Isolation);
        return t_lines;
    }
}
