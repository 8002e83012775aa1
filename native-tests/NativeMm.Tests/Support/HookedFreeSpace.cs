using NativeMm.Diagnostics;
using NativeMm.Platform;
using NativeMm.Vmap;

namespace NativeMm.Tests.Support;

/// <summary>The free space of the library, in front of which a test may keep a thread waiting.</summary>
/// <param name="geometry">The window.</param>
/// <param name="beforeTake">Is told the number of pages before they are taken; no lock is held.</param>
internal sealed unsafe class HookedFreeSpace(FreeSpaceGeometry geometry, Action<uint> beforeTake) : FreeSpace
{
    private readonly LockedFreeSpace<LockStatistics> _inner = new(geometry);

    public override long Pages => _inner.Pages;

    public override long Ranges => _inner.Ranges;

    public override uint Largest => _inner.Largest;

    public override PlatformResult TryOpen(uint ranges) => _inner.TryOpen(ranges);

    public override bool TryTake(uint pages, nuint alignPages, out uint start, out long ranges)
    {
        beforeTake(pages);
        return _inner.TryTake(pages, alignPages, out start, out ranges);
    }

    public override bool TryTakeAt(PageRange range) => _inner.TryTakeAt(range);

    public override void Give(PageRange range) => _inner.Give(range);

    public override void GiveMany(PageRange* ranges, int count) => _inner.GiveMany(ranges, count);

    public override void Validate() => _inner.Validate();

    public override LockStatisticsSnapshot? LockSnapshot() => _inner.LockSnapshot();

    public override void Dispose() => _inner.Dispose();
}
