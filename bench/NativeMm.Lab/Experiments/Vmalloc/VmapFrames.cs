using NativeMm.Primitives;
using NativeMm.Vmap;

namespace NativeMm.Lab.Experiments.Vmalloc;

/// <summary>Frames that the threads of a test map again and again.</summary>
/// <param name="allocator">Whose frames they are.</param>
internal sealed class VmapFrames(VmapAllocator allocator) : IDisposable
{
    private Pfn[][] _frames = [];

    /// <summary>Allocates frames for each thread.</summary>
    public void Prepare(int threads, int pages)
    {
        _frames = new Pfn[threads][];
        for (int i = 0; i < threads; i++)
        {
            _frames[i] = new Pfn[pages];
            allocator.AllocateFrames(_frames[i]);
        }
    }

    /// <summary>The frames of a thread.</summary>
    public ReadOnlySpan<Pfn> Of(int thread) => _frames[thread];

    /// <summary>Frees them.</summary>
    public void Dispose()
    {
        foreach (Pfn[] frames in _frames)
        {
            allocator.FreeFrames(frames);
        }

        _frames = [];
    }
}
