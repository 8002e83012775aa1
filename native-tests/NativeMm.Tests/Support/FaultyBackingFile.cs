using NativeMm.Platform;

namespace NativeMm.Tests.Support;

/// <summary>A file in memory that fails as it is told to. Thread-safe.</summary>
internal sealed unsafe class FaultyBackingFile : IBackingFile
{
    private readonly Lock _lock = new();
    private readonly Dictionary<long, byte[]> _pages = [];
    private int _writes;
    private int _reads;

    public bool IsDirect => true;

    /// <summary>Every n-th write fails; 0: none.</summary>
    public int FailWriteEach { get; set; }

    /// <summary>Every n-th read fails; 0: none.</summary>
    public int FailReadEach { get; set; }

    /// <summary>Most bytes that one write writes; 0: no limit.</summary>
    public long WriteBytesMax { get; set; }

    /// <summary>Bytes that each read comes short of a page.</summary>
    public int ReadShortBy { get; set; }

    /// <summary>Pages that the disk has room for.</summary>
    public long DiskPages { get; set; } = long.MaxValue;

    /// <summary>Lengths of the writes that were attempted, in pages.</summary>
    public List<int> WriteLengths { get; } = [];

    /// <summary>Called at each read, outside of the lock.</summary>
    public Action<long>? Reading { get; set; }

    /// <summary>Called at each write, outside of the lock.</summary>
    public Action? Writing { get; set; }

    public bool IsDisposed { get; private set; }

    public PlatformResult Write(ReadOnlySpan<nint> pages, long offset, out long written)
    {
        Writing?.Invoke();
        lock (_lock)
        {
            written = 0;
            WriteLengths.Add(pages.Length);
            if (FailWriteEach != 0 && ++_writes % FailWriteEach == 0)
            {
                return new PlatformResult(ErrorNumber.DeviceFailed);
            }

            foreach (nint page in pages)
            {
                long at = (offset + written) / IBackingFile.PageBytes;
                if (at >= DiskPages)
                {
                    return written == 0 ? new PlatformResult(ErrorNumber.NoSpace) : PlatformResult.Success;
                }

                if (WriteBytesMax != 0 && written + IBackingFile.PageBytes > WriteBytesMax)
                {
                    written = WriteBytesMax;
                    return PlatformResult.Success;
                }

                _pages[at] = new ReadOnlySpan<byte>((void*)page, IBackingFile.PageBytes).ToArray();
                written += IBackingFile.PageBytes;
            }

            return PlatformResult.Success;
        }
    }

    public PlatformResult Read(nint destination, long offset, out int read)
    {
        Reading?.Invoke(offset / IBackingFile.PageBytes);
        lock (_lock)
        {
            read = 0;
            if (FailReadEach != 0 && ++_reads % FailReadEach == 0)
            {
                return new PlatformResult(ErrorNumber.DeviceFailed);
            }

            if (_pages.TryGetValue(offset / IBackingFile.PageBytes, out byte[]? page))
            {
                read = IBackingFile.PageBytes - ReadShortBy;
                page.AsSpan(0, read).CopyTo(new Span<byte>((void*)destination, IBackingFile.PageBytes));
            }

            return PlatformResult.Success;
        }
    }

    /// <summary>Turns a byte of a page over.</summary>
    public void Damage(long page, int at)
    {
        lock (_lock)
        {
            _pages[page][at] ^= 1;
        }
    }

    public void Dispose() => IsDisposed = true;
}
