using System.Diagnostics.CodeAnalysis;
using NativeMm.Frames;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Reporting;
using NativeMm.Teardown;
using NativeMm.Tests.Unit.Reporting;
using Xunit;

namespace NativeMm.Tests.Support.Teardown;

/// <summary>
/// A reporter over a zone of 512 MiB that nobody touches, whose device discards by workers what is above the usual floor, on a platform that writes the calls down and makes none of them.
/// Disposing checks that nothing stayed isolated.
/// </summary>
[SuppressMessage("Reliability", "CA2000", Justification = "Frames of the zone go with it.")]
internal sealed class SharedTrimFixture : IDisposable
{
    public const int ZoneBlocks = 256;
    public const ulong BlockBytes = 2 << 20;

    private readonly IFrameAllocator[] _chain;

    public SharedTrimFixture(ReporterVariant variant, int width = 2, Action<ThreadStart>? startThread = null, bool byArea = true, IRangeFollower? follower = null)
    {
        Assert.True(FrameZone.TryCreate(SystemPlatform.Current, ZoneKind.Normal, ZoneBlocks * BlockBytes, out FrameZone? zone).Succeeded);
        Zone = zone!;
        _chain = variant.Create(Zone);
        Source = ReportableFrames.For(Allocator, variant.Scheme());
        Reporter = new PageReporter(Source, new PageReporterOptions { Scheme = variant.Scheme() }, TimeProvider.System);
        Platform = new ReleasingPlatform { ByArea = byArea, IsDry = true };
        var options = new TeardownOptions { MaxActive = width, MinimumGain = 0, StepTime = TimeSpan.FromMilliseconds(1) };
        Workers = startThread is null ? new TeardownWorkers(options) : new TeardownWorkers(options) { StartThread = startThread };
        Device = new MadviseDevice(Platform, DiscardMode.Now, new PageRelease(Platform, Workers), follower is null ? [] : [follower]);
        Reporter.Register(Device);
    }

    public FrameZone Zone { get; }

    public IFrameAllocator Allocator => _chain[0];

    public IReportableFrames Source { get; }

    public PageReporter Reporter { get; }

    public MadviseDevice Device { get; }

    public ReleasingPlatform Platform { get; }

    public TeardownWorkers Workers { get; }

    /// <summary>Takes so many blocks of 2 MiB, all at once.</summary>
    public Pfn[] Use(int blocks)
    {
        var used = new Pfn[blocks];
        Assert.Equal(blocks, Allocator.AllocateBulk(Order.Huge, FrameFlags.None, used));
        return used;
    }

    /// <summary>Makes so many blocks free of which the system may hold all pages. No two of them are neighbours if others stay in use between them.</summary>
    public Pfn[] MakeFree(int blocks, bool apart = false)
    {
        Pfn[] used = Use(apart ? 2 * blocks : blocks);
        Pfn[] free = apart ? [.. used.Where(block => (block.Value >> Order.Huge.Value) % 2 == 0)] : used;
        Allocator.FreeBulk(free, Order.Huge);
        Allocator.Drain();
        return free;
    }

    /// <summary>Fails the test unless the discards so far are these blocks, each of them once.</summary>
    public void AssertEachOnce(IEnumerable<Pfn> blocks)
    {
        var expected = blocks.Select(block => Zone.BaseAddress + block.Offset).ToHashSet();
        var seen = new HashSet<nuint>();
        foreach (AddressRange range in Platform.Discards)
        {
            for (nuint at = range.Address; at < range.Address + range.Bytes; at += (nuint)BlockBytes)
            {
                Assert.True(expected.Contains(at) && seen.Add(at), $"{at:x} is told of twice, or was not free.");
            }
        }

        Assert.Equal(expected.Count, seen.Count);
    }

    public void Dispose()
    {
        Platform.Discarding = null;
        Platform.LetGo();
        Reporter.Dispose();
        Workers.Dispose();
        Assert.Equal(0UL, Allocator.GetStatistics().IsolatedFrames);
        Assert.Equal(0, Workers.Statistics.ReleasingBytes);
        Allocator.Validate();
        foreach (IFrameAllocator allocator in _chain)
        {
            allocator.Dispose();
        }

        Zone.Dispose();
    }
}
