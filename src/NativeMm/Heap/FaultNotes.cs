using NativeMm.Primitives;

namespace NativeMm.Heap;

/// <summary>
/// Mistakes of callers that a trim found under a lock, until somebody who holds none can leave their events. Keeps the first few; the others are
/// found again, or were made by the same hand. Thread-safe.
/// </summary>
internal sealed class FaultNotes
{
    private const int Capacity = 16;

    private readonly BlockFault[] _notes = new BlockFault[Capacity];
    private SpinLock<NoLockStatistics> _lock;
    private int _count;

    /// <summary>Takes note of a mistake.</summary>
    public void Add(BlockFault fault)
    {
        _lock.Enter();
        if (_count < Capacity)
        {
            _notes[_count++] = fault;
        }

        _lock.Exit();
    }

    /// <summary>Takes a note out; false when there is none.</summary>
    public bool TryTake(out BlockFault fault)
    {
        fault = BlockFault.None;
        if (_count == 0)
        {
            // A stale look leaves the note to whoever comes next.
            return false;
        }

        _lock.Enter();
        bool any = _count != 0;
        if (any)
        {
            fault = _notes[--_count];
        }

        _lock.Exit();
        return any;
    }
}
