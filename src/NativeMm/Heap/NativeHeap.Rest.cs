using System.Numerics;
using NativeMm.Diagnostics;

namespace NativeMm.Heap;

/// <content>Whether anything happened since the last pass of the background trimmer, so that an idle heap costs next to nothing.</content>
public sealed unsafe partial class NativeHeap
{
    /// <summary>
    /// Passes in a row that have nothing to do before the next ones are left out: what moved at last may take two passes to leave a magazine or the
    /// batches, and its slab rests for <see cref="RestingPasses"/> more before its pages go.
    /// </summary>
    private const int IdlePassesMin = 3 + (int)RestingPasses;

    private ulong _markAfterPass;
    private int _idlePasses;

    /// <summary>Whether the last pass of idle time found nothing to do, and those before it neither.</summary>
    internal bool IsAtRest => _disposed || _idlePasses > IdlePassesMin;

    /// <summary>Begins a pass; says whether it can be left out. Under the upkeep lock.</summary>
    private bool RestsLocked()
    {
        Invariant.Assert(_upkeepLock.IsHeldByCurrentThread, "A pass begins without the upkeep lock.");
        bool idle = _large.Statistics.RetainedBytes == 0 && MarkLocked() == _markAfterPass;
        _idlePasses = idle ? Math.Min(_idlePasses, IdlePassesMin) + 1 : 0;
        return IsAtRest;
    }

    /// <summary>Ends a pass that was not left out. Under the upkeep lock.</summary>
    private void SettleLocked(ulong bytes)
    {
        Invariant.Assert(_upkeepLock.IsHeldByCurrentThread && _idlePasses <= IdlePassesMin, $"A pass ends after {_idlePasses} that had nothing to do, or without the upkeep lock.");
        _markAfterPass = MarkLocked();
        _idlePasses = bytes == 0 ? _idlePasses : 0;
    }

    /// <summary>
    /// A number that is another one when a thread pushed, popped, refilled or flushed in between, or a depot was asked for anything. It reads words
    /// that others write: a change that comes too late for this look is there for the next.
    /// </summary>
    private ulong MarkLocked()
    {
        ulong mark = _caches.Mark();
        foreach (Depot depot in _depots)
        {
            mark = (BitOperations.RotateLeft(mark, 7) ^ (ulong)depot.Acquisitions) * 0x9E37_79B9_7F4A_7C15UL;
        }

        return mark;
    }
}
