using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Tests.Child;

namespace NativeMm.Tests.Support;

/// <summary>
/// The system's platform with a naive page table of an allocator's window beside it: which frame each page shows. A page counts until the call that
/// takes it away has come back. Thread-safe.
/// </summary>
internal sealed class MappedFramesPlatform() : ForwardingPlatform(SystemPlatform.Current)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<nuint, uint> _frameOf = [];
    private readonly Dictionary<uint, int> _pagesOf = [];
    private bool _hasWindow;

    /// <summary>Runs on the calling thread before anything is taken away.</summary>
    public Action? BeforeRevoke { get; set; }

    /// <summary>Pages that show anything.</summary>
    public int MappedPages
    {
        get
        {
            lock (_lock)
            {
                return _frameOf.Count;
            }
        }
    }

    /// <summary>How many pages show a frame.</summary>
    public int PagesOf(Pfn frame)
    {
        lock (_lock)
        {
            return _pagesOf.GetValueOrDefault(frame.Value);
        }
    }

    public override PlatformResult MapFile(int file, nuint offset, nuint bytes, nuint at, out nuint address)
    {
        PlatformResult result = base.MapFile(file, offset, bytes, at, out address);
        if (result.Succeeded && Volatile.Read(ref _hasWindow))
        {
            lock (_lock)
            {
                Forget(at, bytes);
                for (nuint done = 0; done < bytes; done += Pfn.FrameBytes)
                {
                    uint frame = (uint)((offset + done) >> Pfn.FrameShift);
                    _frameOf.Add(at + done, frame);
                    _pagesOf[frame] = _pagesOf.GetValueOrDefault(frame) + 1;
                }
            }
        }

        return result;
    }

    public override PlatformResult Revoke(nuint address, nuint bytes)
    {
        // The first call of all makes the window; what was mapped before is the zone's own view.
        Volatile.Write(ref _hasWindow, true);
        BeforeRevoke?.Invoke();
        return Forget(base.Revoke(address, bytes), address, bytes);
    }

    public override PlatformResult InstallGuard(nuint address, nuint bytes) => Forget(base.InstallGuard(address, bytes), address, bytes);

    private PlatformResult Forget(PlatformResult result, nuint address, nuint bytes)
    {
        if (result.Succeeded)
        {
            lock (_lock)
            {
                Forget(address, bytes);
            }
        }

        return result;
    }

    private void Forget(nuint address, nuint bytes)
    {
        if (_frameOf.Count == 0)
        {
            return;
        }

        for (nuint page = address; page < address + bytes; page += Pfn.FrameBytes)
        {
            if (_frameOf.Remove(page, out uint frame))
            {
                _pagesOf[frame]--;
            }
        }
    }
}
