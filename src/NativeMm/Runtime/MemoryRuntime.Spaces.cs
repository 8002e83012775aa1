using NativeMm.AddressSpaces;
using NativeMm.Eviction;
using NativeMm.Primitives;

namespace NativeMm.Runtime;

/// <content>Address spaces over the runtime's frames.</content>
public sealed partial class MemoryRuntime
{
    // One for all spaces: a thread that faults in several of them takes part once.
    private readonly EpochDomain _spaceEpochs = new();
    private AddressSpace[] _spaces = [];
    private OpenPins? _pins;

    /// <summary>
    /// Makes an address space over the same frames: areas of 47-bit addresses whose pages come by faults. It goes by its own Dispose, or with the runtime.
    /// Its forks go by their own, or with the runtime, too.
    /// </summary>
    /// <param name="options">Null for the defaults.</param>
    /// <returns>The space, without any area, which is the caller's to dispose.</returns>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    /// <exception cref="OutOfMemoryException">There is no frame for the root of the page tables.</exception>
    /// <exception cref="ObjectDisposedException">The runtime is disposed.</exception>
    public AddressSpace CreateAddressSpace(AddressSpaceOptions? options = null)
    {
        using EndGate.Visit inside = _end.Visiting(this);
        var space = new AddressSpace(_frames, options ?? new AddressSpaceOptions(), _spaceEpochs, swap: null, _teardown) { Adopt = Adopt, PinWatch = PinsIfChecked() };
        try
        {
            Enter(space);
        }
        catch (OutOfMemoryException)
        {
            space.Dispose();
            throw;
        }

        return space;
    }

    /// <summary>Makes a space whose pages leave memory when there are too many. It goes by its own Dispose, or with the runtime.</summary>
    /// <typeparam name="TPolicy">Which pages leave.</typeparam>
    /// <param name="options">The options.</param>
    /// <param name="swap">Where pages go; the caller's, who ends it after the space and all of its forks.</param>
    /// <param name="residentPagesMax">Most pages in memory, at least 16.</param>
    /// <exception cref="OutOfMemoryException">There is no memory for the bookkeeping.</exception>
    /// <exception cref="ObjectDisposedException">The runtime is disposed.</exception>
    internal AddressSpace CreateLimitedSpace<TPolicy>(AddressSpaceOptions options, ISwapBackend swap, int residentPagesMax)
        where TPolicy : struct, IReplacementPolicy
    {
        using EndGate.Visit inside = _end.Visiting(this);

        // The bookkeeping is for as many pages as may be in memory, and no more are than there are frames.
        int residentMax = (int)Math.Min(residentPagesMax, (long)_zone.FrameCount);
        AddressSpace space = AddressSpace.CreateLimited<TPolicy>(_frames, options, _spaceEpochs, swap, residentMax, Adopt, _teardown);
        space.PinWatch = PinsIfChecked();
        try
        {
            Enter(space);
        }
        catch (OutOfMemoryException)
        {
            space.Dispose();
            throw;
        }

        return space;
    }

    /// <summary>Takes a space over these frames in that somebody else made, such as a fork: it goes with the runtime at the latest.</summary>
    /// <exception cref="ObjectDisposedException">The runtime is disposed.</exception>
    internal void Adopt(AddressSpace space)
    {
        using EndGate.Visit inside = _end.Visiting(this);
        Enter(space);
    }

    /// <summary>Who keeps account of pins in the checked mode; of two first callers each may get his own, which is the same to both.</summary>
    private OpenPins? PinsIfChecked() => Options.Checked.Enabled ? _pins ??= new OpenPins(Options.Checked) : null;

    private AddressSpace[] Spaces() => Atomic.LoadAcquire(ref _spaces);

    /// <summary>Puts a space into the list, and takes those off that are disposed and of which nobody holds a page any more.</summary>
    private void Enter(AddressSpace space)
    {
        AddressSpace[] before;
        AddressSpace[] behind;
        do
        {
            before = Spaces();
            behind = [.. before.Where(other => !other.IsDisposed || other.IsHeld), space];
        }
        while (!Atomic.CompareExchange(ref _spaces, before, behind));
    }
}
