using System.Diagnostics;
using NativeMm.Frames;
using NativeMm.Heap;
using NativeMm.Primitives;
using NativeMm.Reporting;

namespace NativeMm.Runtime;

/// <content>
/// Room for large blocks. They are not counted against the zone, but against the limit of the container both are: what small blocks left behind there is still
/// resident for a purge delay, and a large block that is filled meanwhile would end the process.
/// </content>
public sealed partial class MemoryRuntime : IRoomKeeper
{
    // A zone of which fewer of its share were ever used has too little to give: one part in so many. A pass that gives back less than that was in vain.
    private const ulong RoomDivisor = 16;

    // After a pass in vain the next one waits for so many times as long as it took: at most a hundredth of a thread's time goes into them.
    private const long RestFactor = 100;

    // What is kept for large blocks to come is not there for small ones, who cannot ask for it: of the share one part in so many at most.
    private const ulong RetainDivisor = 8;

    private readonly ulong _share;
    private long _roomRestsUntil;

    /// <inheritdoc/>
    void IRoomKeeper.MakeRoom(nuint bytes)
    {
        ulong opened = BytesOf(_zone.OpenedFrames);
        if (opened < _share / RoomDivisor)
        {
            return;
        }

        // What was ever used is looked up at once; what of it the system still has, only if that could be too much.
        ulong others = CountLarge() + bytes;
        if (opened + others > _share
            && Stopwatch.GetTimestamp() >= Atomic.LoadAcquire(in _roomRestsUntil)
            && BytesOf(_reporter.CountBackedFrames()) + others > _share)
        {
            MakeRoomNow();
        }
    }

    private static ulong BytesOf(ulong frames) => frames << Pfn.FrameShift;

    private void MakeRoomNow()
    {
        // A device that is not ours would be called under a lock of the heap's user. Who holds the lock of the passes gives back what there is already.
        if (IsReportingHere || _trimLock.IsHeldByCurrentThread || _reporter is not { Device: MadviseDevice } || !_end.TryEnter())
        {
            return;
        }

        try
        {
            if (_trimLock.TryEnter())
            {
                GiveUnusedBack();
            }
        }
        finally
        {
            _end.Exit();
        }
    }

    /// <summary>Under the lock of the passes, which it gives up.</summary>
    private void GiveUnusedBack()
    {
        try
        {
            long start = Stopwatch.GetTimestamp();
            ulong bytes = 0;
            foreach (NativeHeap heap in _space.Heaps())
            {
                bytes += heap.TrimUnlessDisposed();
            }

            _frames.Drain();
            bytes += _reporter.ReportNowQuietly();
            PassEvents silent = default;
            Account(bytes, ref silent);
            long now = Stopwatch.GetTimestamp();
            Atomic.StoreRelease(ref _roomRestsUntil, bytes >= _share / RoomDivisor ? 0 : now + ((now - start) * RestFactor));
        }
        finally
        {
            _trimLock.Exit();
        }
    }

    private ulong CountLarge()
    {
        ulong bytes = 0;
        foreach (NativeHeap heap in _space.Heaps())
        {
            bytes += heap.LargeBytes;
        }

        return bytes;
    }
}
