using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Primitives;

namespace NativeMm.Reporting;

/// <content>Devices that come and go, the thread, and the end.</content>
public sealed partial class PageReporter
{
    private bool _isDetached;

    /// <summary>Gives the reporter a device. Blocks that another one was told of before are not reported again until they were used.</summary>
    /// <param name="device">The device.</param>
    /// <exception cref="InvalidOperationException">There is a device already; unregister it first.</exception>
    /// <exception cref="ArgumentException">The device cannot work for this zone.</exception>
    /// <exception cref="ObjectDisposedException">The reporter is disposed.</exception>
    /// <exception cref="ArgumentNullException">The device is null.</exception>
    public void Register(IReportingDevice device)
    {
        ArgumentNullException.ThrowIfNull(device);
        ZoneKind zone = _frames.Frames.Zone.Kind;
        if (!device.Supports(zone))
        {
            string why = zone == ZoneKind.Mappable ? ", which is a memory file and would keep its pages" : "";
            throw new ArgumentException($"A {device.GetType().Name} cannot work for a zone of kind {zone}{why}.", nameof(device));
        }

        using (_gate.EnterScope())
        {
            ObjectDisposedException.ThrowIf(IsClosed, this);
            if (_device is { } other)
            {
                throw new InvalidOperationException(
                    $"The reporter is busy: it has a {other.GetType().Name} already. Unregister that one before a {device.GetType().Name}.");
            }

            ReplaceDevice(device);
        }
    }

    /// <summary>
    /// Takes the device away. When this returns no call of it is under way and none will follow, unless the device itself called this: then
    /// that call is the last.
    /// </summary>
    /// <param name="device">The device that is registered.</param>
    /// <exception cref="InvalidOperationException">It is not registered, or not any more because the reporter was disposed.</exception>
    /// <exception cref="ArgumentNullException">The device is null.</exception>
    public void Unregister(IReportingDevice device)
    {
        ArgumentNullException.ThrowIfNull(device);
        using (_gate.EnterScope())
        {
            if (!ReferenceEquals(_device, device))
            {
                throw new InvalidOperationException($"This {device.GetType().Name} is not registered with the reporter.");
            }

            ReplaceDevice(null);
        }

        WaitForPass();
    }

    /// <summary>Starts a background thread that makes passes by the pace of the options. It ends with the reporter.</summary>
    /// <exception cref="InvalidOperationException">It runs already, or the reporter belongs to a runtime or a vmap allocator, which makes the passes.</exception>
    /// <exception cref="ObjectDisposedException">The reporter is disposed.</exception>
    public void Start()
    {
        RefuseIfOwned("has no thread of its own: the background thread of its owner makes its passes (option BackgroundTrim of a runtime)");
        using (_gate.EnterScope())
        {
            ObjectDisposedException.ThrowIf(IsClosed, this);
            if (_background is not null)
            {
                throw new InvalidOperationException("The reporter's thread runs already.");
            }

            _background = new BackgroundPasses(this, Options.PassInterval, "NativeMm reporter");
        }
    }

    /// <summary>
    /// Stops the background thread, if there is one, and lets go of the device and the frames. It waits for a call of the device that is under
    /// way, unless the device itself disposes: then that call is the last, and the frames are let go when the pass around it is over.
    /// </summary>
    /// <exception cref="InvalidOperationException">The reporter belongs to a runtime or a vmap allocator and ends with it.</exception>
    public void Dispose()
    {
        RefuseIfOwned("ends with its owner; to stop it from reporting, unregister its device");
        Close();
    }

    /// <summary>Disposes, for whoever owns the reporter.</summary>
    internal void Close()
    {
        BackgroundPasses? background;
        using (_gate.EnterScope())
        {
            Atomic.StoreRelease(ref _closed, 1); // [R4]
            ReplaceDevice(null);
            background = _background;
        }

        if (IsReportingHere)
        {
            // Neither this pass nor a thread that may wait for it can be waited for. The pass detaches when it is over.
            background?.Stop();
            return;
        }

        background?.Dispose();
        using (_passLock.EnterScope())
        {
            Detach();
        }
    }

    // Under the gate.
    private void ReplaceDevice(IReportingDevice? device)
    {
        Invariant.Assert(_gate.IsHeldByCurrentThread && (device is null || _device is null), "A device takes the place of another, or without the gate.");
        Atomic.StoreRelease(ref _device!, device!);
        Atomic.Add(ref _registration, 1); // [R1]
    }

    private void WaitForPass()
    {
        _passLock.Enter();
        _passLock.Exit();
    }

    private void Attach()
    {
        FrameZone zone = _frames.Frames.Zone;
        if (!zone.TryAttachReporter(this))
        {
            throw new InvalidOperationException(
                $"This {zone.Kind} zone of {zone.Bytes} bytes has a PageReporter already, and two would report each other's blocks. " +
                "Dispose the other one first; the frames of a MemoryRuntime are reported by MemoryRuntime.Reporter, those of a VmapAllocator by its Reporter.");
        }

        _frames.Frames.AddShrinker(this);
    }

    /// <summary>The allocator forgets the reporter, which no pass uses any more. Under the pass lock.</summary>
    private void Detach()
    {
        Invariant.Assert(IsClosed && _passLock.IsHeldByCurrentThread, "The allocator forgets a reporter that is open, or without the pass lock.");
        if (!_isDetached)
        {
            _isDetached = true;
            _frames.Frames.RemoveShrinker(this);
            _frames.Frames.Zone.DetachReporter(this);
        }
    }

    private void RefuseIfOwned(string why)
    {
        if (_owner is not null)
        {
            throw new InvalidOperationException($"The reporter of a {_owner} {why}.");
        }
    }
}
