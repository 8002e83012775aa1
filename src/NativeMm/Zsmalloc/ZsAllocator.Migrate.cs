using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Zsmalloc;

/// <content>Migration of frames: cells name zspages, not frames, so one number in the descriptor is all that changes.</content>
internal sealed unsafe partial class ZsAllocator<TLocking, TStatistics, TPause>
{
    private long _framesMigrated;

    /// <inheritdoc/>
    public override bool TryMigrate(Pfn frame, Pfn target)
    {
        if (frame.Value >= _zone.OpenedFrames || target.Value >= _zone.OpenedFrames || !_gate.TryEnter())
        {
            return false;
        }

        uint zspage = Atomic.LoadAcquire(ref _zspageOfFrame[frame.Value]);
        bool migrated = zspage != 0 && TryMigrate(zspage, frame, target);
        _gate.Exit();
        return migrated;
    }

    /// <inheritdoc/>
    public override uint CountFrames(Pfn first, uint count)
    {
        if (!_gate.TryEnter())
        {
            return 0;
        }

        uint own = 0;
        uint end = uint.Min(first.Value + count, _zone.FrameCount);
        for (uint frame = first.Value; frame < end; frame++)
        {
            own += Atomic.LoadAcquire(ref _zspageOfFrame[frame]) != 0 ? 1u : 0;
        }

        _gate.Exit();
        return own;
    }

    private bool TryMigrate(uint zspage, Pfn frame, Pfn target)
    {
        Invariant.Assert(zspage != 0 && frame != target, $"Frame {frame} of zspage {zspage} is migrated to {target}.");
        Zspage* page = PageAt(zspage);
        if (!TryLockShardOf(page, out ZsShard<TStatistics>* shard))
        {
            return false;
        }

        // The zspage may be another one of the same number by now. If the frame is of that one, it is as good as the first.
        bool migrated = Atomic.LoadAcquire(ref _zspageOfFrame[frame.Value]) == zspage && Zspage.TryFreeze(page, 0);
        if (migrated)
        {
            new ReadOnlySpan<byte>(_zone.AddressOf(frame), Pfn.FrameBytes).CopyTo(new Span<byte>(_zone.AddressOf(target), Pfn.FrameBytes));
            Invariant.Assert(_zspageOfFrame[target.Value] == 0, $"Frame {target} is migrated to and belongs to zspage {_zspageOfFrame[target.Value]}.");
            TPause.Reach(PauseCopied);
            Replace(page, _classes[ClassOf(shard)].Frames, frame, target);
            Atomic.StoreRelease(ref _zspageOfFrame[target.Value], zspage);
            Atomic.StoreRelease(ref _zspageOfFrame[frame.Value], 0u);
            Zspage.Thaw(page);
        }

        LockOf(shard).Exit();
        if (migrated)
        {
            Atomic.Add(ref _framesMigrated, 1);
        }

        return migrated;
    }

    private static void Replace(Zspage* page, int count, Pfn frame, Pfn target)
    {
        var frames = new Span<uint>(Zspage.FramesOf(page), count);
        Invariant.Assert(frames.Contains(frame.Value) && !frames.Contains(target.Value), $"Frame {frame} is replaced by {target} in a zspage that does not have it, or has both.");
        frames[frames.IndexOf(frame.Value)] = target.Value;
    }
}
