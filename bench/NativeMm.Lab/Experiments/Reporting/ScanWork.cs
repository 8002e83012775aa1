using NativeMm.Frames;
using NativeMm.Lab.Baselines.Reporting;
using NativeMm.Reporting;

namespace NativeMm.Lab.Experiments.Reporting;

/// <summary>A scheme over a zone of free blocks, ready to report all of them.</summary>
internal sealed class ScanWork : IDisposable
{
    private static readonly PageReporterOptions s_options = new()
    {
        BlockOrder = FreeBlocks.Order.Value,
        PieceOrder = FreeBlocks.Order.Value,
    };

    private readonly FreeBlocks _blocks;
    private readonly IFrameAllocator _allocator;
    private readonly PageReporter? _reporter;
    private readonly HintedFrames? _hinted;

    /// <summary>Makes a scheme and its blocks.</summary>
    /// <param name="variant">Name of one of <see cref="ReportingVariants.Scan"/>.</param>
    /// <param name="count">Number of free blocks.</param>
    public ScanWork(string variant, int count)
    {
        _blocks = FreeBlocks.Create(count);
        if (variant == ReportingVariants.Hint.Name)
        {
            _allocator = _hinted = new HintedFrames(new BuddyFrameAllocator(_blocks.Zone), new NullDevice(), FreeBlocks.Order);
        }
        else
        {
            IReportableFrames scheme = ScanSchemes.Create(variant, _blocks.Zone, FreeBlocks.Order);
            _allocator = scheme.Frames;
            _reporter = new PageReporter(scheme, s_options, TimeProvider.System);
            _reporter.Register(new NullDevice());
        }

        _blocks.Lay(_allocator);
    }

    /// <summary>Makes all blocks unreported; for the hint, taken, because it reports what is given back.</summary>
    public void Prepare()
    {
        _blocks.Take(_allocator);
        if (_hinted is null)
        {
            _blocks.PutBack(_allocator);
        }
    }

    /// <summary>Reports all blocks; for the hint, by giving them back.</summary>
    /// <exception cref="InvalidOperationException">It was not exactly all of them.</exception>
    public void Report()
    {
        long before = Reported();
        if (_hinted is null)
        {
            _reporter!.ReportNow();
        }
        else
        {
            _blocks.PutBack(_hinted);
        }

        long found = Reported() - before;
        if (found != _blocks.Count)
        {
            throw new InvalidOperationException($"{found} blocks were reported, and {_blocks.Count} are free.");
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _reporter?.Dispose();
        _allocator.Dispose();
        _blocks.Dispose();
    }

    private long Reported() => _hinted?.Hints ?? _reporter!.GetStatistics().ReportedBlocks;
}
