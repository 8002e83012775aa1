using NativeMm.Diagnostics;
using NativeMm.Heap;
using NativeMm.Platform;
using NativeMm.Reporting;
using NativeMm.Runtime;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Heap;

/// <summary>A runtime of its own on a platform that counts. Disposing validates, and checks that every mapping went back.</summary>
internal sealed class HeapFixture : IDisposable
{
    private readonly PagedPlatform _pages;

    public HeapFixture(
        ulong capacity = 256 << 20,
        FrameAllocatorKind frames = FrameAllocatorKind.LockFree,
        PageReporterOptions? reporting = null,
        int pageBytes = 0,
        ulong threadCacheBytesMax = 0)
    {
        _pages = new PagedPlatform(SystemPlatform.Current, pageBytes != 0 ? (nuint)pageBytes : SystemPlatform.Current.PageBytes);
        Platform = new FaultyPlatform(_pages);
        var options = new MemoryRuntimeOptions
        {
            CapacityBytes = capacity,
            FrameAllocator = frames,
            BackgroundTrim = false,
            ThreadCacheBytesMax = threadCacheBytesMax != 0 ? threadCacheBytesMax : new MemoryRuntimeOptions().ThreadCacheBytesMax,
            Reporting = reporting ?? new PageReporterOptions(),
        };
        Runtime = new MemoryRuntime(options, Platform, isShared: false);
    }

    public FaultyPlatform Platform { get; }

    /// <summary>Bytes that the platform was asked to take back so far.</summary>
    public ulong DiscardedBytes => _pages.DiscardedBytes;

    public MemoryRuntime Runtime { get; }

    public NativeHeap Heap => Runtime.Heap;

    /// <summary>Frames handed out to slabs.</summary>
    public ulong AllocatedFrames => Runtime.Frames.GetStatistics().AllocatedFrames;

    /// <summary>Blocks of all classes in the hands of the test.</summary>
    public long LiveBlocks => Heap.GetStatistics().Classes.Sum(row => row.LiveBlocks) + Heap.GetStatistics().LargeBlocks;

    /// <summary>Runs something that must be found out as a mistake.</summary>
    public static MemoryFaultException AssertFault(MemoryFaultKind kind, Action mistake)
    {
        MemoryFaultException fault = Assert.Throws<MemoryFaultException>(mistake);
        Assert.True(fault.Kind == kind, $"{fault.Kind} instead of {kind}: {fault.Message}");
        return fault;
    }

    public void Dispose()
    {
        Runtime.Validate();
        Runtime.Dispose();
        Platform.AssertNothingLeaked();
        _pages.AssertWholePages();
    }
}
