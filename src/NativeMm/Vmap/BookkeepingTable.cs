using NativeMm.Diagnostics;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Vmap;

/// <summary>
/// A table by number beside a window, that never moves. Its addresses are reserved at once; it can be written as far as it was opened, from its beginning.
/// What was not opened is address space alone. Opening is one caller's at a time; what is open may be used meanwhile.
/// </summary>
internal sealed class BookkeepingTable : IDisposable
{
    private readonly IMemoryPlatform _platform;
    private readonly nuint _recordBytes;
    private readonly nuint _bytes;
    private nuint _openBytes;
    private nuint _address;

    /// <summary>Reserves a table.</summary>
    /// <param name="platform">Where the memory comes from.</param>
    /// <param name="recordBytes">Bytes of a record.</param>
    /// <param name="count">Most records.</param>
    /// <param name="open">Records that are open from the start.</param>
    /// <param name="readable">Whether what is not open can be read, as zero.</param>
    /// <exception cref="OutOfMemoryException">The system refuses the addresses, or the memory of the first records.</exception>
    public BookkeepingTable(IMemoryPlatform platform, int recordBytes, nuint count, nuint open, bool readable = false)
    {
        _platform = platform;
        _recordBytes = (nuint)recordBytes;
        _bytes = WholePages(count * _recordBytes);
        PlatformResult result = platform.ReserveClosed(_bytes, platform.PageBytes, readable, out _address);
        result = result.Succeeded ? TryOpen(open) : result;
        if (!result.Succeeded)
        {
            Dispose();
            throw new OutOfMemoryException(
                $"The system refuses {_bytes} bytes of addresses for the bookkeeping of a window, or their first pages: {result}."
                + ResourceLimits.Explain(result, "VmapOptions.WindowBytes"));
        }
    }

    /// <summary>The first record; 0 after <see cref="Dispose"/>.</summary>
    public nuint Address => _address;

    /// <summary>The end of what is open.</summary>
    public nuint OpenEnd => _address + Atomic.LoadAcquire(ref _openBytes);

    /// <summary>Sees to it that the first records are open.</summary>
    /// <param name="count">How many; what is more than the table has is not asked for.</param>
    /// <returns>What the system said; on a refusal the table is as it was.</returns>
    public PlatformResult TryOpen(nuint count)
    {
        Invariant.Assert(_address != 0 && _openBytes <= _bytes, $"A table at 0x{_address:x} with {_openBytes} open bytes of {_bytes} is opened further.");
        nuint end = nuint.Min(WholePages(count * _recordBytes), _bytes);
        if (end <= _openBytes)
        {
            return PlatformResult.Success;
        }

        PlatformResult result = _platform.Open(_address + _openBytes, end - _openBytes);
        if (result.Succeeded)
        {
            Atomic.StoreRelease(ref _openBytes, end);
        }

        return result;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_address != 0)
        {
            _platform.ReleaseOrKeep(_address, _bytes);
            _address = 0;
        }
    }

    private nuint WholePages(nuint bytes) => (bytes + _platform.PageBytes - 1) & ~(_platform.PageBytes - 1);
}
