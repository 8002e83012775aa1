// Purpose      room in a container's limit for large blocks, which are not counted against the zone: what small blocks left behind there is resident for a purge
//              delay still, and a large block that is filled meanwhile would end the process.
// States       _roomLeftUntil, _roomLeft: until then, so many bytes may be mapped without another look. _roomRestsUntil: before that, no pass.
// Transitions  a look that finds room stores the bytes, then the time [G1]. A mapping takes its bytes off [G2], and looks again when none were left.
//              A pass stores the end of its rest.
// Ownership    field            | who writes                 | who reads     | how
//              _roomLeft        | who looks; who maps        | who maps      | release store; add
//              _roomLeftUntil   | who looks                  | who maps      | release store; acquire
//              _roomRestsUntil  | the pass, under _trimLock  | who maps      | release store; acquire
// Ordering     [G2] whoever sees the time of a look sees its bytes, or those of a later one: [G1] stored them first. All three are hints. Nobody's
//              memory hangs on them: two looks at a time may let one mapping too many through, or make one pass more.
// Reuse        each look writes over both words of the one before; a late one may shorten what an earlier one found, by a millisecond.
// Progress     nobody waits for a look. A pass is made by one thread, who tries the lock of the passes; others go on without room. It is made inside of
//              the gate, so the end of the runtime waits for it. Nobody may be waited for here who may wait for a lock of the heap's user.

using System.Diagnostics;
using NativeMm.Frames;
using NativeMm.Heap;
using NativeMm.Primitives;
using NativeMm.Reporting;

namespace NativeMm.Runtime;

/// <content>
/// Room for large blocks. What a pass finds of others' mistakes is told by the next pass of the background, or by <see cref="Trim"/>.
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

    // A millisecond: for so long what was found to be left is believed, less what was mapped since. Small blocks take a few megabytes meanwhile.
    private static readonly long s_lookTicks = Stopwatch.Frequency / 1000;

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
        bool isKnown = now < Atomic.LoadAcquire(in _roomLeftUntil) && Atomic.Add(ref _roomLeft, -(long)bytes) >= 0; // [G2]
        if (isKnown || now < Atomic.LoadAcquire(in _roomRestsUntil) || HasRoomFor(bytes, now) || !_end.TryEnter())
        {
            return;
        }

        try
        {
            if (!_trimLock.IsHeldByCurrentThread && !IsReportingHere && _trimLock.TryEnter())
            {
                GiveUnusedBack(bytes, now);
            }
        }
        finally
        {
            _end.Exit();
        }
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
        Atomic.StoreRelease(ref _roomLeftUntil, now + s_lookTicks); // [G1]
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
