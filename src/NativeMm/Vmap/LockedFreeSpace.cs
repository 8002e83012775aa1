using NativeMm.Diagnostics;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Vmap;

/// <summary>The free space of a window: a tree of ranges behind a spin lock.</summary>
/// <typeparam name="TStatistics">What the lock records about itself.</typeparam>
internal sealed unsafe class LockedFreeSpace<TStatistics> : FreeSpace
    where TStatistics : unmanaged, ILockStatistics
{
    public LockedFreeSpace(FreeSpaceGeometry geometry) => throw new NotImplementedException();

    /// <summary>What the lock recorded; read it at rest.</summary>
    public ref TStatistics Statistics => throw new NotImplementedException();

    public override long Pages => throw new NotImplementedException();

    public override long Ranges => throw new NotImplementedException();

    public override uint Largest => throw new NotImplementedException();

    public override bool TryTake(uint pages, uint alignPages, out uint start) => throw new NotImplementedException();

    public override bool TryTakeAt(uint start, uint pages) => throw new NotImplementedException();

    public override void Give(PageRange range) => throw new NotImplementedException();

    public override void GiveMany(PageRange* ranges, int count, int batch) => throw new NotImplementedException();

    public override void Validate() => throw new NotImplementedException();

    public override LockStatisticsSnapshot? LockSnapshot() => throw new NotImplementedException();

    public override void Dispose() => throw new NotImplementedException();
}
