using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace NativeMm.Primitives;

/// <summary>One thread's part in an <see cref="EpochDomain"/>. The note there explains the protocol.</summary>
internal sealed class EpochParticipant(EpochDomain domain, Thread thread)
{
    private const int BagCount = 3;
    private readonly EpochBag[] _bags = [new(), new(), new()];
    private SpinLock<NoLockStatistics> _bagLock;

    // Owner: the thread. 0 outside; else the epoch that it entered in.
    private PaddedWord _state;

    // Owner: the thread. Guards inside guards.
    private int _depth;

    public EpochDomain Domain => domain;

    /// <summary>The next participant of the same thread, in another domain.</summary>
    public EpochParticipant? NextOfThread { get; set; }

    /// <summary>The epoch that the thread is inside of, or 0. What must come after the look has a fence before it.</summary>
    public ulong EnteredEpoch => Atomic.LoadRelaxed(ref _state.Value);

    /// <summary>Whether the thread is gone for good, so that all it did can be seen here.</summary>
    public bool IsDead => !thread.IsAlive && thread.Join(0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Enter()
    {
        if (_depth++ == 0)
        {
            Atomic.StoreRelease(ref _state.Value, domain.Epoch);
            Atomic.FullFence(); // [E1] pairs with [E2]
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Exit()
    {
        Debug.Assert(_depth > 0 && Thread.CurrentThread == thread, "A guard is disposed once, on the thread that made it.");
        if (--_depth == 0)
        {
            Atomic.StoreRelease(ref _state.Value, 0); // [E3]
        }
    }

    /// <summary>Puts an item in the bag of an epoch, and gives the number of items in that bag.</summary>
    public int Retire(RetiredItem item, ulong epoch, ref List<RetiredItem>? reclaimable)
    {
        _bagLock.Enter();
        EpochBag bag = _bags[epoch % BagCount];
        if (bag.Epoch != epoch)
        {
            // The same place was used three epochs ago or earlier: all of that can go.
            bag.MoveTo(ref reclaimable);
            bag.Epoch = epoch;
        }

        bag.Add(item);
        int count = bag.Count;
        _bagLock.Exit();
        return count;
    }

    /// <summary>Moves what nobody can see any more to a list. Any thread may call it.</summary>
    public void Collect(ulong epoch, ref List<RetiredItem>? reclaimable)
    {
        _bagLock.Enter();
        foreach (EpochBag bag in _bags)
        {
            if (bag.Epoch + EpochDomain.GraceEpochs <= epoch)
            {
                bag.MoveTo(ref reclaimable);
            }
        }

        _bagLock.Exit();
    }

    /// <summary>Number of items in all bags.</summary>
    public int CountRetired()
    {
        _bagLock.Enter();
        int count = _bags[0].Count + _bags[1].Count + _bags[2].Count;
        _bagLock.Exit();
        return count;
    }
}
