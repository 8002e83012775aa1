using NativeMm.Diagnostics;
using NativeMm.Platform;

namespace NativeMm.Buffers;

/// <summary>
/// A table of records by number, that grows at its end and never moves. Its addresses are reserved at once and opened as it grows. Growing is one caller's at
/// a time; records may be used meanwhile.
/// </summary>
internal sealed unsafe class SwapRecords : IDisposable
{
    /// <summary>Records that are opened together: 64 KiB.</summary>
    private const long Step = 4096;

    private readonly IMemoryPlatform _platform;
    private readonly nuint _bytes;
    private nuint _base;

    /// <summary>Reserves a table.</summary>
    /// <param name="platform">Where the memory comes from.</param>
    /// <param name="count">Most records, at least 1.</param>
    /// <exception cref="OutOfMemoryException">The system refuses the addresses.</exception>
    public SwapRecords(IMemoryPlatform platform, long count)
    {
        _platform = platform;
        Max = (count + Step - 1) / Step * Step;
        _bytes = (nuint)(Max * sizeof(SwapRecord));
        PlatformResult result = platform.ReserveClosed(_bytes, platform.PageBytes, readable: false, out _base);
        if (!result.Succeeded)
        {
            throw new OutOfMemoryException(
                $"The system refuses {_bytes} bytes of addresses for the records of {Max} pages ({result}).{ResourceLimits.Explain(result, "the length")}");
        }
    }

    /// <summary>Gives the memory of a forgotten table back.</summary>
    ~SwapRecords() => Release();

    /// <summary>Most records.</summary>
    public long Max { get; }

    /// <summary>Records that are open.</summary>
    public long Count { get; private set; }

    /// <summary>A record that is open.</summary>
    public ref SwapRecord this[ulong number]
    {
        get
        {
            Invariant.Assert(number < (ulong)Count, $"Record {number} is asked for, of {Count}.");
            return ref ((SwapRecord*)_base)[number];
        }
    }

    /// <summary>Opens the next records.</summary>
    /// <returns>False when the table is full, or the system has no memory.</returns>
    public bool TryGrow()
    {
        if (Count == Max || !_platform.Open(_base + (nuint)(Count * sizeof(SwapRecord)), (nuint)(Step * sizeof(SwapRecord))).Succeeded)
        {
            return false;
        }

        Invariant.Assert(Count + Step <= Max && Count % Step == 0, $"{Count} records of {Max} get more.");
        Count += Step;
        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        GC.SuppressFinalize(this);
        Release();
    }

    private void Release()
    {
        if (_base != 0)
        {
            _platform.ReleaseOrKeep(_base, _bytes);
            _base = 0;
        }
    }
}
