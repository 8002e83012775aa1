using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using NativeMm.AddressSpaces;
using NativeMm.Eviction;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Runtime;

namespace NativeMm.Buffers;

/// <summary>
/// Bytes by offset, far more than may be in memory at once. Pages that were not used lately are kept compressed, those that do not compress on file if there is one,
/// and come back when they are touched. Reads as zero until it is written. Thread-safe, except <see cref="Dispose"/>, which no other use may overlap.
/// </summary>
/// <remarks>
/// <para>Three ways to the bytes, at three prices: <see cref="Read{T}"/> and <see cref="Write{T}"/> copy; <see cref="LeaseRead"/> and <see cref="LeaseWrite"/> give
/// bytes in place to a thread that stays inside a method; <see cref="Pin"/> gives them for as long as wanted, across threads and awaits.</para>
/// <para>An access whose page cannot be brought back throws <see cref="PageUnavailableException"/>, a write of the whole page, too; <see cref="Discard"/> makes the page usable
/// again, without its content. All other pages are not concerned, and nothing that is in memory is lost. When nothing can leave any more, because disk and budgets are
/// full, the access that needs a page throws <see cref="OutOfMemoryException"/>.</para>
/// <para>It ends with its runtime at the latest, and so do its snapshots; the file goes with its own <see cref="Dispose"/>.</para>
/// </remarks>
public sealed unsafe partial class PagedMemory : IDisposable, IAsyncDisposable
{
    private const int PageBytes = 4096;

    private readonly long _start = Stopwatch.GetTimestamp();
    private readonly SharedSwap _swap;
    private readonly AddressSpace _space;
    private readonly PagePrefetcher _prefetcher;
    private readonly AccessCounter? _accesses;
    private readonly long _base;
    private int _disposed;

    /// <summary>Makes a memory that reads as zero.</summary>
    /// <param name="length">Its length in bytes, 1 to 8 TiB.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <param name="runtime">Whose frames it takes. <see cref="MemoryRuntime.Shared"/> if null.</param>
    /// <exception cref="ArgumentOutOfRangeException">The length or an option is out of its range.</exception>
    /// <exception cref="IOException">The file cannot be made.</exception>
    /// <exception cref="OutOfMemoryException">There is no memory for the bookkeeping.</exception>
    public PagedMemory(long length, PagedMemoryOptions? options = null, MemoryRuntime? runtime = null)
        : this(length, options, runtime, file: null)
    {
    }

    /// <summary>As the other constructor, for tests and measurements.</summary>
    /// <param name="length">Its length in bytes.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <param name="runtime">Whose frames it takes.</param>
    /// <param name="file">A file that is made already, or null for that of the options.</param>
    /// <param name="withClock">Whether pages leave by <see cref="ClockPolicy"/>.</param>
    internal PagedMemory(long length, PagedMemoryOptions? options, MemoryRuntime? runtime, IBackingFile? file, bool withClock = false)
    {
        if (length is < 1 or > PagedMemoryOptions.BytesLimit)
        {
            throw new ArgumentOutOfRangeException(nameof(length), length, $"A memory has 1 to {PagedMemoryOptions.BytesLimit} bytes, not {length}.");
        }

        Options = options ?? new PagedMemoryOptions();
        Options.Validate();
        Options.ValidateTogether(file is not null);
        runtime ??= MemoryRuntime.Shared;
        Length = length;
        int pinned = (int)Math.Min(Options.ResidentBytes / PageBytes, int.MaxValue) / 4;
        int resident = ResidentPages(Options.ResidentBytes / PageBytes, PagesOf(length));
        _swap = new SharedSwap(MakeSwap(runtime, Options, PagesOf(length), file));
        try
        {
            var spaceOptions = new AddressSpaceOptions { Name = Options.Name, PinnedPagesMax = pinned };
            _space = withClock
                ? runtime.CreateLimitedSpace<ClockPolicy>(spaceOptions, _swap, resident)
                : runtime.CreateLimitedSpace<ReuseClockPolicy>(spaceOptions, _swap, resident);
            _base = _space.Map(length, Protection.ReadWrite);
            _prefetcher = new PagePrefetcher(_space, _base, length, Options.StridePrefetch);
            _space.SwapIns = _prefetcher;
            _accesses = Options.CountAccesses ? new AccessCounter() : null;
        }
        catch
        {
            _space?.Dispose();
            _swap.Dispose();
            throw;
        }
    }

    /// <summary>The options in force.</summary>
    public PagedMemoryOptions Options { get; }

    /// <summary>Length in bytes.</summary>
    public long Length { get; }

    /// <summary>What the pages are in, for tests.</summary>
    internal AddressSpace Space => _space;

    /// <summary>Address of offset 0 in the space.</summary>
    internal long Base => _base;

    /// <summary>Fetches pages in the background, so that they are there when they are touched. What cannot be had is left to the access that needs it.</summary>
    /// <param name="offsets">A byte of each page; at most 1,024 are kept in mind, the rest is left out.</param>
    /// <exception cref="ArgumentOutOfRangeException">An offset is outside of the memory.</exception>
    /// <exception cref="ObjectDisposedException">The memory is disposed.</exception>
    public void Prefetch(ReadOnlySpan<long> offsets)
    {
        ThrowIfDisposed();
        foreach (long offset in offsets)
        {
            // All or none.
            _ = AddressOf(offset, 1);
        }

        foreach (long offset in offsets)
        {
            _prefetcher.Ask(AddressOf(offset, 1));
        }
    }

    /// <summary>Forgets the content of a range, which reads as zero from here on. Whole pages give their memory back.</summary>
    /// <param name="offset">First byte.</param>
    /// <param name="length">How many bytes.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range is not inside of the memory.</exception>
    /// <exception cref="ObjectDisposedException">The memory is disposed.</exception>
    public void Discard(long offset, long length)
    {
        ThrowIfDisposed();
        long first = AddressOf(offset, length);
        long end = first + length;
        long from = (first + PageBytes - 1) & -PageBytes;
        long to = offset + length == Length ? (end + PageBytes - 1) & -PageBytes : end & -PageBytes;
        if (from >= to)
        {
            Clear(first, end);
            return;
        }

        Clear(first, from);
        Clear(Math.Max(to, from), end);
        _space.Advise(from, to - from, MemoryAdvice.DoNotNeed);
    }

    /// <summary>
    /// Makes an image of the memory as it is at one moment. Whoever writes meanwhile waits while the page tables are copied, and shares pages with the image from then
    /// on until he writes to them, page by page.
    /// </summary>
    /// <returns>The image, which is the caller's to dispose.</returns>
    /// <exception cref="OutOfMemoryException">There is no memory for the page tables.</exception>
    /// <exception cref="ObjectDisposedException">The memory is disposed.</exception>
    public PagedSnapshot Snapshot()
    {
        ThrowIfDisposed();
        ObjectDisposedException.ThrowIf(!_swap.TryAddOwner(), this);
        AddressSpace? image = null;
        try
        {
            image = _space.Fork();
            return new PagedSnapshot(image, _swap, _base, Length);
        }
        catch
        {
            image?.Dispose();
            _swap.Dispose();
            throw;
        }
    }

    /// <summary>Checks the whole structure. Call it at rest; what fetches and reclaims in the background waits meanwhile.</summary>
    /// <exception cref="Diagnostics.InvariantViolationException">Something does not add up.</exception>
    /// <exception cref="ObjectDisposedException">The memory is disposed.</exception>
    public void Validate()
    {
        ThrowIfDisposed();
        using SleepLock.Scope still = _prefetcher.Pause();
        _space.Validate(beside: _swap.Validate);
    }

    /// <summary>Gives all memory back, and the file. Snapshots keep what they have until they are disposed, too. A second call does nothing.</summary>
    public void Dispose()
    {
        if (Atomic.Exchange(ref _disposed, 1) == 0)
        {
            _prefetcher.Stop();
            _space.Dispose();
            _swap.Dispose();
        }
    }

    /// <summary>
    /// Ends the memory as <see cref="Dispose"/> does, and does not wait until everything is given back: when this returns, every other verb throws
    /// <see cref="ObjectDisposedException"/>. A second call does nothing, and is not told when the first is through.
    /// </summary>
    /// <returns>What ends when all memory is given back.</returns>
    public ValueTask DisposeAsync() =>
        Atomic.Exchange(ref _disposed, 1) == 0 ? _space.DisposeAsync(_prefetcher.Stop, _swap.Dispose) : ValueTask.CompletedTask;

    internal static long PagesOf(long bytes) => (bytes + PageBytes - 1) / PageBytes;

    /// <summary>The limit in force: more pages than there are, and as many as reclaim would keep free, are not limited at all.</summary>
    private static int ResidentPages(long wanted, long pages) => (int)Math.Min(Math.Min(wanted, pages + (pages / 8) + 1024), int.MaxValue);

    private static TieredSwap MakeSwap(MemoryRuntime runtime, PagedMemoryOptions options, long pages, IBackingFile? file)
    {
        // Pages that do not save a quarter are better off on file.
        const int CompressedBytesMax = PageBytes * 3 / 4;

        // Every image may have all pages again. Their number takes addresses alone.
        const int ImagesMax = 16;
        IPageCodec codec = options.Codec ?? PageCodecs.Default;
        file ??= options.FilePath is { } path ? MakeFile(path) : null;
        if (file is null)
        {
            return new TieredSwap(new CompressedSwap(runtime, codec, options.CompressedBytes, ImagesMax * pages), file: null);
        }

        FileSwap? onFile = null;
        try
        {
            onFile = new FileSwap(file, options.FileBytes == 0 ? 2 * pages : options.FileBytes / PageBytes, runtime.Frames.Zone.Platform);
            return new TieredSwap(new CompressedSwap(runtime, codec, options.CompressedBytes, ImagesMax * pages, CompressedBytesMax), onFile);
        }
        catch
        {
            (onFile ?? (IDisposable)file).Dispose();
            throw;
        }
    }

    private static IBackingFile MakeFile(string path)
    {
        PlatformResult result = BackingFile.Create(path, out IBackingFile? file);
        return file ?? throw new IOException($"The file '{path}' cannot be made for a paged memory: {result}." + (result.Errno == ErrorNumber.TooManyFiles
            ? ResourceLimits.Explain(result, nameof(PagedMemoryOptions.FilePath))
            : " FilePath names a file that does not exist, in a folder that does."));
    }

    private void Clear(long from, long to)
    {
        ReadOnlySpan<byte> zeros = stackalloc byte[512];
        for (; from < to; from += zeros.Length)
        {
            _space.Write(from, zeros[..(int)Math.Min(zeros.Length, to - from)]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private long AddressOf(long offset, long length)
    {
        // One comparison for both ends: a negative offset is a large number, and lengths are small ones.
        if ((ulong)offset > (ulong)(Length - length) || length < 0 || length > Length)
        {
            ThrowOutside(offset, length);
        }

        return _base + offset;
    }

    [DoesNotReturn]
    private void ThrowOutside(long offset, long length)
    {
        ThrowIfDisposed();
        throw new ArgumentOutOfRangeException(nameof(offset), offset, $"{length} bytes at offset {offset} are not inside of a memory of {Length} bytes.");
    }

    private void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(Atomic.LoadAcquire(ref _disposed) != 0, this);
}
