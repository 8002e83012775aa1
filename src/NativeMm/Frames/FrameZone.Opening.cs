using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <content>
/// Opening the zone step by step, from its first frame on. An allocator asks before it takes frames that nobody ever used; the steps are large, so that
/// it seldom has to wait for the operating system. What is open stays open.
/// </content>
public sealed unsafe partial class FrameZone
{
    /// <summary>The first steps: 16 MiB.</summary>
    internal const uint StepFramesMin = (16 << 20) / Pfn.FrameBytes;

    /// <summary>The largest steps: 64 MiB.</summary>
    internal const uint StepFramesMax = (64 << 20) / Pfn.FrameBytes;

    // A step is this part of what is open already.
    private const uint StepDivisor = 4;

    // Owner: whoever holds the lock, but for the mark, which others read without it.
    private SpinLock<NoLockStatistics> _openLock;
    private ZoneArray? _frames;
    private ZoneArray? _arrays;
    private uint _openedFrames;
    private int _refusal;

    /// <summary>Frames below this one can be touched, and so can the records of all arrays for them. It only grows.</summary>
    internal uint OpenedFrames => Atomic.LoadAcquire(in _openedFrames);

    /// <summary>What the operating system said when it last refused to open more; success when it never did.</summary>
    internal PlatformResult Refusal => new(Atomic.LoadAcquire(in _refusal));

    /// <summary>Makes sure that frames can be touched.</summary>
    /// <param name="end">All frames below this one; at most <see cref="FrameCount"/>.</param>
    /// <returns>False when the operating system refuses: there is no memory, and nothing is lost.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool TryOpen(uint end) => end <= OpenedFrames || TryOpenStep(end);

    /// <summary>Reserves an array beside the zone with a record for each run of frames, all zero, and opens it as far as the zone is open.</summary>
    /// <param name="recordBytes">Bytes of a record.</param>
    /// <param name="framesShift">log2 of the frames that share a record.</param>
    /// <param name="readable">Whether the records of frames that are not open can be read.</param>
    /// <param name="address">First record, or 0 when the operating system refuses.</param>
    internal PlatformResult TryAddArray(nuint recordBytes, int framesShift, bool readable, out nuint address)
    {
        nuint bytes = ZoneArray.BytesFor(FrameCount, recordBytes, framesShift);
        PlatformResult result = readable
            ? _platform.ReserveTable(bytes, closed: true, out address)
            : _platform.ReserveClosed(bytes, _platform.PageBytes, readable: false, out address);
        if (!result.Succeeded)
        {
            return result;
        }

        var array = new ZoneArray(address, recordBytes, framesShift, bytes);
        _openLock.Enter();
        result = array.Open(_platform, _openedFrames);
        if (result.Succeeded)
        {
            array.Next = _arrays;
            _arrays = array;
        }

        _openLock.Exit();
        if (!result.Succeeded)
        {
            _platform.ReleaseOrKeep(address, bytes);
            address = 0;
        }

        return result;
    }

    /// <summary>Gives an array back.</summary>
    /// <param name="address">Its first record.</param>
    internal void RemoveArray(nuint address)
    {
        ZoneArray? before = null;
        _openLock.Enter();
        ZoneArray? array = _arrays;
        while (array is not null && array.Address != address)
        {
            before = array;
            array = array.Next;
        }

        if (before is not null)
        {
            before.Next = array?.Next;
        }
        else
        {
            _arrays = array?.Next;
        }

        _openLock.Exit();
        Invariant.Assert(array is not null, $"The array at 0x{address:x} is removed, which the zone does not have.");
        PageRelease?.Release(address, array!.OpenedBytes);
        _platform.ReleaseOrKeep(address, array!.Bytes);
    }

    /// <summary>
    /// Asks for huge pages behind the frames, or for none, and for none behind the arrays. Without that a system that makes huge pages by itself
    /// fills those in again that were partly given back. Advice only: a system without huge pages refuses it, and everything works as before.
    /// </summary>
    internal void AdviseHugePages(bool enabled)
    {
        _ = _platform.AdviseHugePages(_base, _bytes, enabled);
        for (ZoneArray? array = _arrays; array is not null; array = array.Next)
        {
            _ = _platform.AdviseHugePages(array.Address, (array.Bytes + _platform.PageBytes - 1) & ~(_platform.PageBytes - 1), enabled: false);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryOpenStep(uint end)
    {
        _openLock.Enter();
        uint opened = _openedFrames;
        PlatformResult result = PlatformResult.Success;
        if (end > opened)
        {
            uint step = Math.Clamp(opened / StepDivisor & ~(StepFramesMin - 1), StepFramesMin, StepFramesMax);
            uint stepEnd = Math.Max(end, Math.Min(FrameCount, opened + step));
            result = OpenLocked(stepEnd);
            if (!result.Succeeded && stepEnd != end)
            {
                stepEnd = end;
                result = OpenLocked(end);
            }

            if (result.Succeeded)
            {
                Invariant.Assert(stepEnd >= end && stepEnd <= FrameCount, $"The zone is open up to frame {stepEnd}, and {end} was asked for.");
                Atomic.StoreRelease(ref _openedFrames, stepEnd);
            }
            else
            {
                Atomic.StoreRelease(ref _refusal, result.Errno);
            }
        }

        _openLock.Exit();
        return result.Succeeded;
    }

    /// <summary>Opens everything up to a frame. What was opened before a refusal is passed over the next time.</summary>
    private PlatformResult OpenLocked(uint end)
    {
        Invariant.Assert(_openLock.IsHeld && end <= FrameCount, $"The zone of {FrameCount} frames is opened up to {end}, or without the lock.");
        PlatformResult result = _frames!.Open(_platform, end);
        for (ZoneArray? array = _arrays; array is not null && result.Succeeded; array = array.Next)
        {
            result = array.Open(_platform, end);
        }

        return result;
    }
}
