using NativeMm.Frames;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Reporting;

/// <summary>
/// Gives the pages of free blocks back to the operating system, up to 32 blocks with one system call where the kernel can. Thread-safe.
/// For zones of ordinary memory; pages of a memory file cannot be given back like this.
/// </summary>
public sealed class MadviseDevice : IReportingDevice
{
    private readonly IMemoryPlatform _platform;
    private readonly IRangeFollower[] _followers;
    private readonly IPageRelease? _pages;
    private readonly FrameContent _content;

    /// <summary>Makes a device for the operating system of this process.</summary>
    /// <param name="mode">Whether it takes the pages at once or when it needs them.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="mode"/> has no name.</exception>
    /// <exception cref="PlatformNotSupportedException">The system cannot take pages back while their addresses stay reserved.</exception>
    public MadviseDevice(DiscardMode mode = DiscardMode.Now)
        : this(SystemPlatform.Current, mode)
    {
    }

    /// <summary>Makes a device over a platform.</summary>
    /// <param name="platform">Who takes the pages.</param>
    /// <param name="mode">How.</param>
    /// <param name="pages">Who makes the calls, in steps where one would hold others up; null for the platform itself.</param>
    /// <param name="followers">What goes with them.</param>
    internal MadviseDevice(IMemoryPlatform platform, DiscardMode mode, IPageRelease? pages = null, params IRangeFollower[] followers)
    {
        if (mode is not (DiscardMode.Now or DiscardMode.WhenNeeded))
        {
            throw new ArgumentOutOfRangeException(nameof(mode), mode, $"The mode is Now or WhenNeeded, not {mode}.");
        }

        if (!IsSupportedBy(platform))
        {
            throw new PlatformNotSupportedException("This system cannot take pages back while their addresses stay reserved.");
        }

        _platform = platform;
        _followers = followers;
        _pages = pages;
        Mode = mode;

        // Until the system needs the pages, the old content may still be read: never known to be zero.
        bool zeroes = mode == DiscardMode.Now && (platform.Capabilities & PlatformCapabilities.DiscardZeroes) != 0;
        _content = zeroes ? FrameContent.ReportedZero : FrameContent.Reported;
    }

    /// <summary>How the operating system takes pages back.</summary>
    public DiscardMode Mode { get; }

    /// <summary>Who has several threads call this, or null: then one at a time does.</summary>
    internal IPageRelease? Helpers => _pages;

    /// <summary>Whether a platform can take pages back.</summary>
    internal static bool IsSupportedBy(IMemoryPlatform platform) => (platform.Capabilities & PlatformCapabilities.Discard) != 0;

    /// <inheritdoc/>
    /// <remarks>Only <see cref="ZoneKind.Normal"/>: advice on a mapping of a memory file leaves the pages in the file.</remarks>
    public bool Supports(ZoneKind zone) => zone == ZoneKind.Normal;

    /// <inheritdoc/>
    /// <remarks>One page of the system: order 0 where it has 4 KiB, order 4 where it has 64 KiB.</remarks>
    public Order SmallestOrder => Order.ForBytes(_platform.PageBytes);

    /// <inheritdoc/>
    /// <remarks>Ranges that are not whole pages of the system are refused: what shares a page with them may be in use.</remarks>
    public FrameContent Report(ReadOnlySpan<FrameRange> ranges)
    {
        Span<AddressRange> vector = stackalloc AddressRange[(1 + _followers.Length) * PageReporter.Capacity];
        while (!ranges.IsEmpty)
        {
            ReadOnlySpan<FrameRange> batch = ranges[..Math.Min(ranges.Length, PageReporter.Capacity)];
            ReadOnlySpan<AddressRange> filled = vector[..Fill(vector, batch)];
            if (!(_pages?.Discard(filled, Mode) ?? _platform.Discard(filled, Mode)).Succeeded)
            {
                return FrameContent.Unknown;
            }

            ranges = ranges[batch.Length..];
        }

        return _content;
    }

    private int Fill(Span<AddressRange> vector, ReadOnlySpan<FrameRange> ranges)
    {
        int count = 0;
        foreach (FrameRange range in ranges)
        {
            Append(vector, ref count, new AddressRange(range.Address, range.Bytes));
        }

        foreach (IRangeFollower follower in _followers)
        {
            foreach (FrameRange range in ranges)
            {
                AddressRange behind = follower.RangeOf(range).WholePages(_platform.PageBytes);
                if (behind.Bytes != 0)
                {
                    Append(vector, ref count, behind);
                }
            }
        }

        return count;
    }

    /// <summary>Pieces of a row come in order, and neighbours are one range for the system.</summary>
    private static void Append(Span<AddressRange> vector, ref int count, AddressRange range)
    {
        bool continues = count != 0 && vector[count - 1].Address + vector[count - 1].Bytes == range.Address;
        nuint before = continues ? vector[--count].Bytes : 0;
        vector[count++] = new AddressRange(range.Address - before, range.Bytes + before);
    }
}
