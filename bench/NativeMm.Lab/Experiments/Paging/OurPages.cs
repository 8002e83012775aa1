using NativeMm.Buffers;
using NativeMm.Lab.Harness;
using NativeMm.Lab.Pages;
using NativeMm.Runtime;

namespace NativeMm.Lab.Experiments.Paging;

/// <summary>A <see cref="PagedMemory"/> that keeps what leaves compressed in memory.</summary>
internal sealed class OurPages : PagedUnderTest
{
    private readonly MemoryRuntime _runtime;
    private readonly PagedMemory _memory;
    private PagedMemoryStatistics _before;

    /// <summary>Makes one of zeros.</summary>
    /// <param name="pages">Its length.</param>
    /// <param name="budget">Bytes that may be resident.</param>
    /// <param name="prefetches">Whether strides are fetched ahead.</param>
    /// <param name="isClock">Whether the policy is the second chance.</param>
    public OurPages(int pages, long budget, bool prefetches, bool isClock)
    {
        _runtime = new MemoryRuntime(new MemoryRuntimeOptions { CapacityBytes = (ulong)Math.Max(256L << 20, budget * 8) });
        var options = new PagedMemoryOptions { ResidentBytes = budget, StridePrefetch = prefetches };
        _memory = new PagedMemory((long)pages * PageSet.PageBytes, options, _runtime, file: null, isClock);
    }

    /// <inheritdoc/>
    public override void Read(int page, Span<byte> destination) => _memory.Read((long)page * PageSet.PageBytes, destination);

    /// <inheritdoc/>
    public override void Write(int page, ReadOnlySpan<byte> source) => _memory.Write((long)page * PageSet.PageBytes, source);

    /// <inheritdoc/>
    public override void BeginCounting() => _before = _memory.GetStatistics();

    /// <inheritdoc/>
    public override void AddTo(Measurement measurement, long operations)
    {
        PagedMemoryStatistics spent = _memory.GetStatistics().Since(_before);
        AddHitRate(measurement, Math.Max(0, spent.PagesIn - spent.Prefetched), operations);
        measurement.Add("ratio", spent.Ratio).Add("stall_share", 100 * spent.StallShare);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _memory.Dispose();
        _runtime.Dispose();
    }
}
