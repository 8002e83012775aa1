using NativeMm.Primitives;
using NativeMm.Vmap;

namespace NativeMm.Runtime;

/// <content>Contiguous ranges over scattered frames, made when somebody asks for them.</content>
public sealed partial class MemoryRuntime
{
    private SleepLock _vmapLock;
    private VmapAllocator? _vmap;

    /// <summary>
    /// Contiguous ranges over frames that can be mapped more than once. Its zone is apart from that of the heaps, and is made on first use, by
    /// <see cref="MemoryRuntimeOptions.Vmap"/>.
    /// </summary>
    /// <remarks>Thread-safe: all get the same allocator. It lives as long as the runtime; do not dispose it.</remarks>
    /// <exception cref="ObjectDisposedException">The runtime is disposed.</exception>
    /// <exception cref="OutOfMemoryException">The operating system refused the zone or the window.</exception>
    public VmapAllocator Vmap
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return VmapIfUsed ?? MakeVmap();
        }
    }

    private VmapAllocator? VmapIfUsed => Atomic.LoadAcquire(ref _vmap);

    private VmapAllocator MakeVmap()
    {
        using (_vmapLock.EnterScope())
        {
            // Again under the lock: what is made after Dispose would never go.
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_vmap is { } made)
            {
                return made;
            }

            made = new VmapAllocator(Options.Vmap, _platform);
            Atomic.StoreRelease(ref _vmap, made);
            return made;
        }
    }

    /// <summary>Disposes what was made, and waits for what is being made. The runtime is marked as disposed before.</summary>
    private void DisposeVmap()
    {
        using (_vmapLock.EnterScope())
        {
            _vmap?.Dispose();
        }
    }
}
