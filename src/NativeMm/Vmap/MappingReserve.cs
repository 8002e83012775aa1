using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Vmap;

/// <summary>
/// Mappings that exist only to be given up. When the system refuses a mapping, the process has none left: then nobody can undo what was begun, and
/// the runtime cannot even throw an exception, because it needs some as well. Giving these up makes room for both. Thread-safe.
/// </summary>
/// <param name="platform">Makes and takes the mappings.</param>
internal sealed class MappingReserve(IMemoryPlatform platform) : IDisposable
{
    /// <summary>How many mappings it holds.</summary>
    public const int Mappings = 128;

    private nuint _address;

    private nuint Bytes => Mappings * platform.PageBytes;

    /// <summary>Takes the mappings.</summary>
    /// <returns>Whether it has them now; when the system refuses them it has none.</returns>
    public bool TryFill()
    {
        if (Atomic.LoadAcquire(ref _address) != 0)
        {
            return true;
        }

        if (!platform.Reserve(Bytes, platform.PageBytes, out nuint address).Succeeded)
        {
            return false;
        }

        // Every other page is forbidden, so that no two neighbours can be one mapping.
        bool isFull = true;
        for (nuint page = 1; page < Mappings && isFull; page += 2)
        {
            isFull = platform.Protect(address + (page * platform.PageBytes), platform.PageBytes, accessible: false).Succeeded;
        }

        // What the system neither completes nor takes back is kept: it is less, but it can be given up as well.
        if ((isFull || !TryRelease(address)) && !Atomic.CompareExchange(ref _address, 0u, address))
        {
            _ = TryRelease(address);
        }

        return Atomic.LoadAcquire(ref _address) != 0;
    }

    /// <summary>Gives the mappings up.</summary>
    /// <returns>Whether there were any.</returns>
    public bool TryGiveUp()
    {
        nuint address = Atomic.LoadAcquire(ref _address);
        if (address == 0 || !Atomic.CompareExchange(ref _address, address, 0u))
        {
            return false;
        }

        if (TryRelease(address))
        {
            return true;
        }

        Atomic.StoreRelease(ref _address, address);
        return false;
    }

    /// <inheritdoc/>
    public void Dispose() => TryGiveUp();

    // Whole mappings go: the system needs no further one for that.
    private bool TryRelease(nuint address) => platform.Release(address, Bytes).Succeeded;
}
