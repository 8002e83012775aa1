using NativeMm.Frames;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Vmap;

namespace NativeMm.Runtime;

/// <content>Contiguous ranges over scattered frames, made when somebody asks for them.</content>
public sealed partial class MemoryRuntime
{
    // Zone and window, four times as large, together take at most half of the address space that is left.
    private const ulong AddressDivisor = 10;

    private SleepLock _vmapLock;
    private VmapAllocator? _vmap;

    /// <summary>
    /// Contiguous ranges over frames that can be mapped more than once. Its zone is apart from that of the heaps, and is made on first use, by
    /// <see cref="MemoryRuntimeOptions.Vmap"/>.
    /// </summary>
    /// <remarks>Thread-safe: all get the same allocator. It lives as long as the runtime; to dispose it does nothing.</remarks>
    /// <exception cref="ObjectDisposedException">The runtime is disposed.</exception>
    /// <exception cref="OutOfMemoryException">The operating system refused the zone or the window.</exception>
    public VmapAllocator Vmap
    {
        get
        {
            ObjectDisposedException.ThrowIf(_end.IsClosed, this);
            return VmapIfUsed ?? MakeVmap();
        }
    }

    /// <summary>Whether the caller is a reporting device of the runtime, in a call of a reporter.</summary>
    private bool IsReportingHere => _reporter.IsReportingHere || VmapIfUsed is { Reporter.IsReportingHere: true };

    internal VmapAllocator? VmapIfUsed => Atomic.LoadAcquire(ref _vmap);

    private VmapAllocator MakeVmap()
    {
        // What is made after Dispose would never go.
        using EndGate.Visit inside = _end.Visiting(this);
        using (_vmapLock.EnterScope())
        {
            if (_vmap is { } made)
            {
                return made;
            }

            made = new VmapAllocator(
                Options.Vmap with { CapacityBytes = VmapCapacity(), Reporting = Options.Vmap.Reporting ?? Options.Reporting }, _platform);
            made.Zone.Keeper = this;
            made.Zone.PageRelease = _pages;
            made.Room = this;
            Atomic.StoreRelease(ref _vmap, made);
            return made;
        }
    }

    /// <summary>Unless told otherwise as much as the heaps' zone has, within the limits of the process.</summary>
    private ulong VmapCapacity() => Options.Vmap.CapacityBytes != 0 ? Options.Vmap.CapacityBytes : Math.Clamp(
        Math.Min(_zone.Bytes, Math.Min(ResourceLimits.FileBytes & ~((ulong)FrameZone.Alignment - 1), ResourceLimits.AddressBytesLeft / AddressDivisor)),
        VmapOptions.BytesMin,
        VmapOptions.BytesMax);
}
