using NativeMm.Primitives;
using NativeMm.Vmap;

namespace NativeMm.Runtime;

/// <content>Contiguous ranges over scattered frames, made when somebody asks for them.</content>
public sealed partial class MemoryRuntime
{
    private readonly Lock _vmapLock = new();
    private VmapAllocator? _vmap;

    /// <summary>
    /// Contiguous ranges over frames that can be mapped more than once. Its zone is apart from that of the heaps, and is made on first use.
    /// </summary>
    /// <exception cref="OutOfMemoryException">The operating system refused the zone or the window.</exception>
    public VmapAllocator Vmap => VmapIfUsed ?? MakeVmap();

    private VmapAllocator? VmapIfUsed => Atomic.LoadAcquire(ref _vmap);

    private VmapAllocator MakeVmap()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        lock (_vmapLock)
        {
            if (_vmap is { } made)
            {
                return made;
            }

            made = new VmapAllocator(new VmapOptions { CapacityBytes = Options.MappableBytes }, _platform);
            Atomic.StoreRelease(ref _vmap, made);
            return made;
        }
    }
}
