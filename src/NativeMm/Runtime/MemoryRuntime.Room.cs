using System.Diagnostics;
using NativeMm.Frames;
using NativeMm.Heap;
using NativeMm.Primitives;
using NativeMm.Reporting;

namespace NativeMm.Runtime;

/// <content>
/// Room for large blocks. They are not counted against the zone, but against the limit of the container both are: what small blocks left behind there is still
/// resident for a purge delay, and a large block that is filled meanwhile would end the process. What a pass finds of others' mistakes is told by the next pass of
/// the background, or by <see cref="Trim"/>.
/// </content>
public sealed partial class MemoryRuntime : IRoomKeeper
{
    // A pass that gives back less than that part of the share, one in so many, was in vain.
    private const ulong WorthDivisor = 16;

    // After a pass the next one waits for so many times as long as it took: a quarter of a thread's time at most goes into those that help, a hundredth into others.
    private const long RestFactor = 3;
    private const long RestFactorInVain = 100;

    // What is kept for large blocks to come is not there for small ones, who cannot ask for it: in each heap, of the share one part in so many at most.
    private const ulong RetainDivisor = 8;

    // For so long what was found to be left is believed, less what was taken of it since.
    private static readonly long s_lookTicks = Stopwatch.Frequency / 100;

    private readonly ulong _share;
    private long _roomRestsUntil;
    private long _roomLeft;
    private long _roomLeftUntil;

    /// <inheritdoc/>
    void IRoomKeeper.MakeRoom(nuint bytes)
    {
        // A block that is never filled, or that the system refuses.
        if (bytes > _share)
        {
            return;
        }

        long now = Stopwatch.GetTimestamp();
        bool isKnown = now < Atomic.LoadAcquire(in _roomLeftUntil) && Atomic.Add(ref _roomLeft, -(long)bytes) >= 0;
        if (isKnown || now < Atomic.LoadAcquire(in _roomRestsUntil) || HasRoomFor(bytes, now) || !_end.TryEnter())
        {
            return;
        }

        // Whoever has the lock gives back himself, or does not for long; nobody may be waited for, under what lock ever the block is asked for.
        if (!_trimLock.IsHeldByCurrentThread && !IsReportingHere && _trimLock.TryEnter())
        {
            GiveUnusedBack(bytes, now);
        }

        _end.Exit();
    }

    private bool HasRoomFor(nuint bytes, long now)
    {
        // What was ever used of the zone is known at once; what of it the system still has is counted only if that could be too much.
        ulong others = CountLarge() + bytes;
        ulong held = others + BytesOf(_zone.OpenedFrames);
        held = held <= _share ? held : others + BytesOf(_reporter.CountBackedFrames());
        if (held > _share)
        {
            return false;
        }

        Atomic.StoreRelease(ref _roomLeft, (long)(_share - held));
        Atomic.StoreRelease(ref _roomLeftUntil, now + s_lookTicks);
        return true;
    }

    private static ulong BytesOf(ulong frames) => frames << Pfn.FrameShift;

    /// <summary>Under the lock of the passes, which it gives up.</summary>
    private void GiveUnusedBack(nuint bytes, long start)
    {
        ulong given = 0;
        try
        {
            // Free frames first: what heaps keep is of use to somebody.
            given = ReportFree();
            if (!HasRoomFor(bytes, start))
            {
                foreach (NativeHeap heap in _space.Heaps())
                {
                    given += heap.TrimUnlessDisposed();
                }

                given += ReportFree();
            }
        }
        catch (OutOfMemoryException)
        {
            // No managed memory for a pass of several threads. The block is allocated without.
        }
        finally
        {
            PassEvents silent = default;
            Account(given, ref silent);
            long now = Stopwatch.GetTimestamp();
            long rest = (now - start) * (given >= _share / WorthDivisor ? RestFactor : RestFactorInVain);
            Atomic.StoreRelease(ref _roomRestsUntil, now + long.Min(rest, (long)(Options.PurgeDelay.TotalSeconds * Stopwatch.Frequency)));
            _trimLock.Exit();
        }
    }

    /// <summary>Gives free frames back, unless a device would have to do it that is not ours: it would be called under a lock of the heap's user.</summary>
    private ulong ReportFree()
    {
        _frames.Drain();
        return _reporter is { Device: MadviseDevice } ? _reporter.ReportUnlessClosed() : 0;
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
