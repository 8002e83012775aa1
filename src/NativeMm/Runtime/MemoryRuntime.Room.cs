// Purpose      room in a container's limit for what the zone does not count: large blocks, frames that the system has to find memory for, spaces of vmap. What
//              others left behind is resident for a purge delay still, and memory that is filled meanwhile would end the process.
// States       _roomAsked: bytes that somebody was let through for and that no count has yet. _roomLeftUntil, _roomLeft: until then, so many bytes may be
//              mapped without another look. _roomRestsUntil: before that, no pass that is likely to be in vain.
// Transitions  whoever comes adds his bytes to those asked for, first of all, and takes them off when they are counted. A look that finds room stores the
//              bytes, then the time [G1]. A mapping takes its bytes off [G2], and looks again when none were left. A pass stores the end of its rest.
// Ownership    field            | who writes                 | who reads     | how
//              _share           | the background thread      | who looks     | release store; relaxed
//              _roomAsked       | who maps                   | who looks     | add; acquire
//              _roomLeft        | who looks; who maps        | who maps      | release store; add
//              _roomLeftUntil   | who looks                  | who maps      | release store; acquire
//              _roomRestsUntil  | the pass, under _trimLock, and who waited for that lock in vain | who maps | release store; acquire
// Ordering     [G2] whoever sees the time of a look sees its bytes, or those of a later one: [G1] stored them first. All are hints. Nobody's memory hangs
//              on them. Of two who come at once, at least one look finds the other's bytes: each adds its own before it looks.
// Reuse        each look writes over both words of the one before; a late one may shorten what an earlier one found, by a millisecond.
// Progress     a pass is made by one thread. Others who lack room wait for whoever has the lock of the passes, for a bounded time: he may be a device of the
//              program's own, which waits for a lock that the one who waits has. The pass is made inside of the gate, so the end of the runtime waits for it.

using System.Diagnostics;
using NativeMm.Frames;
using NativeMm.Heap;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Reporting;

namespace NativeMm.Runtime;

/// <content>
/// Room for what is mapped or backed anew. What a pass finds of others' mistakes is told by the next pass of the background, or by <see cref="Trim"/>.
/// </content>
public sealed partial class MemoryRuntime : IRoomKeeper
{
    // A pass that gives back less than that part of the share, one in so many, was in vain.
    private const ulong WorthDivisor = 16;

    // After a pass in vain the next one waits for so many times as long as it took. One that helps is paid for by those who filled what it gives back.
    private const long RestFactorInVain = 100;

    // What is kept for large blocks to come is not there for others, and managed memory asks nobody: in each heap, of the share one part in so many at most; and as it is, without that the system may
    // have it when it lacks memory, one in so many.
    private const ulong RetainDivisor = 4;
    private const ulong RetainTouchedDivisor = 8;

    // For so long what was found to be left is believed, less what was mapped since: a millisecond.
    private static readonly long s_lookTicks = Stopwatch.Frequency / 1000;

    // Longest wait for a pass that somebody else makes: a few gigabytes go back in that time.
    private static readonly long s_waitTicks = Stopwatch.Frequency / 4;

    private ulong _share;
    private long _roomAsked;
    private long _roomRestsUntil;
    private long _roomLeft;
    private long _roomLeftUntil;

    /// <summary>Native memory's share of the limit, in bytes.</summary>
    internal ulong Share => Atomic.LoadRelaxed(in _share);

    /// <summary>Until when heaps are not looked through for room, in ticks of <see cref="Stopwatch"/>. For tests.</summary>
    internal long RoomRestsUntil
    {
        set => Atomic.StoreRelease(ref _roomRestsUntil, value);
    }

    /// <inheritdoc/>
    void IRoomKeeper.MakeRoom(nuint bytes)
    {
        Atomic.Add(ref _roomAsked, (long)bytes);

        // A block that is never filled, or that the system refuses.
        if (bytes > Share)
        {
            return;
        }

        long now = Stopwatch.GetTimestamp();
        bool isKnown = now < Atomic.LoadAcquire(in _roomLeftUntil) && Atomic.Add(ref _roomLeft, -(long)bytes) >= 0; // [G2]
        if (isKnown || HasRoom(now) || !_end.TryEnter())
        {
            return;
        }

        try
        {
            if (!_trimLock.IsHeldByCurrentThread && !IsReportingHere)
            {
                bool isRest = now < Atomic.LoadAcquire(in _roomRestsUntil);
                if ((!isRest || IsWorth(CountUnreported())) && TryEnterPass())
                {
                    GiveUnusedBack(isRest);
                }

                MakeRoomInProcess();
            }
        }
        finally
        {
            _end.Exit();
        }
    }

    /// <inheritdoc/>
    void IRoomKeeper.NoteTaken(nuint bytes) => Atomic.Add(ref _roomAsked, -(long)bytes);

    /// <summary>Whether there is room for everything that is asked for at this moment.</summary>
    private bool HasRoom(long now)
    {
        // What was ever used of the zone is known at once; what of it the system still has is counted only if that could be too much.
        ulong asked = (ulong)long.Max(0, Atomic.LoadAcquire(in _roomAsked));
        ulong others = CountLarge() + asked + (VmapIfUsed?.BackedBytes ?? 0);
        ulong held = others + BytesOf(_zone.OpenedFrames);
        ulong share = Share;
        held = held <= share ? held : others + BytesOf(_reporter.CountBackedFrames());
        if (held > share)
        {
            return false;
        }

        ulong left = ulong.Min(share - held, RoomInProcess(held, asked));
        if (left == 0)
        {
            return false;
        }

        Atomic.StoreRelease(ref _roomLeft, (long)left);
        Atomic.StoreRelease(ref _roomLeftUntil, now + s_lookTicks); // [G1]
        return true;
    }

    private static ulong BytesOf(ulong frames) => frames << Pfn.FrameShift;

    private bool IsWorth(ulong bytes) => bytes >= Share / WorthDivisor;

    /// <summary>Bytes of free frames that a pass gives back for sure, however vain the last one was.</summary>
    private ulong CountUnreported() => BytesOf(_reporter.CountUnreportedFrames() + (VmapIfUsed?.Reporter.CountUnreportedFrames() ?? 0));

    /// <summary>Takes the lock of the passes, unless there is room once whoever has it gave something back.</summary>
    private bool TryEnterPass()
    {
        long end = Stopwatch.GetTimestamp() + s_waitTicks;
        bool waited = false;
        var backoff = default(Backoff);
        while (!_trimLock.TryEnter())
        {
            waited = true;
            backoff.Wait();
            long now = Stopwatch.GetTimestamp();
            if (now >= end)
            {
                Atomic.StoreRelease(ref _roomRestsUntil, now + s_waitTicks);
                return false;
            }
        }

        if (waited && HasRoom(Stopwatch.GetTimestamp()))
        {
            _trimLock.Exit();
            return false;
        }

        return true;
    }

    /// <summary>Under the lock of the passes, which it gives up.</summary>
    /// <param name="onlyFrames">Whether heaps are left alone, because a look at them was in vain a moment ago.</param>
    private void GiveUnusedBack(bool onlyFrames)
    {
        long start = Stopwatch.GetTimestamp();
        ulong given = 0;
        try
        {
            // Free frames first: what heaps keep is of use to somebody.
            given = ReportFree();
            if (!onlyFrames && !HasRoom(start))
            {
                foreach (NativeHeap heap in _space.Heaps())
                {
                    given += heap.TrimUnlessDisposed();
                }

                given += ReportFree() + (VmapIfUsed?.GiveBackUnlessEnded() ?? 0);
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
            if (!onlyFrames)
            {
                long now = Stopwatch.GetTimestamp();
                long rest = IsWorth(given) ? 0 : (now - start) * RestFactorInVain;
                Atomic.StoreRelease(ref _roomRestsUntil, now + long.Min(rest, (long)(Options.PurgeDelay.TotalSeconds * Stopwatch.Frequency)));
            }

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
