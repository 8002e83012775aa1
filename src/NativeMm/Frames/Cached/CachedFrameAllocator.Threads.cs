using System.Runtime.InteropServices;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <content>Threads that come, threads that died, and taking their stacks away from both.</content>
public sealed unsafe partial class CachedFrameAllocator
{
    /// <inheritdoc/>
    /// <remarks>Stacks of threads at work are emptied too; their next allocation refills.</remarks>
    public ulong Drain()
    {
        using (_registryLock.EnterScope())
        {
            ulong moved = Steal(_registry);
            return moved + _behind.Drain();
        }
    }

    /// <summary>Empties the stacks of threads that are no more, and keeps the stacks for threads that come.</summary>
    /// <returns>How many frames moved.</returns>
    private ulong DrainDead()
    {
        ulong moved = 0;
        using (_registryLock.EnterScope())
        {
            List<FrameStackOwner> dead = _registry.FindAll(owner => !owner.Thread.IsAlive);
            if (dead.Count != 0)
            {
                // A theft like any other: its fence also makes sure that the last writes of the dead are seen.
                moved = Steal(dead);
                _registry.RemoveAll(dead.Contains);
                _spareStacks.AddRange(dead.Select(owner => (nint)owner.Stack));
            }
        }

        return moved;
    }

    /// <summary>Takes all frames out of stacks whose owners may be at work, and gives them to the allocator behind.</summary>
    private ulong Steal(List<FrameStackOwner> owners)
    {
        var thefts = new MagazineTheft[owners.Count];
        for (int i = 0; i < thefts.Length; i++)
        {
            owners[i].Stack->Guard.Enter();
            thefts[i] = owners[i].Stack->Magazine.StealBegin();
        }

        // One fence for all stacks: it is the expensive half of every owner's cheap pop.
        Atomic.ProcessWideFence();
        List<Pfn> stolen = [];
        for (int i = 0; i < thefts.Length; i++)
        {
            foreach (nuint item in owners[i].Stack->Magazine.StealEnd(thefts[i]))
            {
                _states[item] = CachedFrameState.Behind;
                stolen.Add(new Pfn((uint)item));
            }

            owners[i].Stack->Guard.Exit();
        }

        // Sorted, frames of one row go back together.
        stolen.Sort();
        _behind.FreeBulk(CollectionsMarshal.AsSpan(stolen), Order.Zero);
        return (ulong)stolen.Count;
    }

    /// <summary>This thread's stack here, made or taken over from a dead thread if need be.</summary>
    /// <returns>The stack, or null when the system has no memory for one.</returns>
    private FrameStackOwner? OwnerOfThisThread()
    {
        FrameStackOwner? owner = t_owner;
        if (owner != null && owner.Allocator == this)
        {
            return owner;
        }

        using (_registryLock.EnterScope())
        {
            owner = _registry.Find(other => other.Thread == Thread.CurrentThread) ?? Register();
        }

        t_owner = owner ?? t_owner;
        return owner;
    }

    private FrameStackOwner? Register()
    {
        DrainDead();
        FrameStack* stack;
        if (_spareStacks.Count != 0)
        {
            stack = (FrameStack*)_spareStacks[^1];
            _spareStacks.RemoveAt(_spareStacks.Count - 1);
        }
        else
        {
            PlatformResult result = _zone.Platform.Reserve(FrameStack.Bytes, _zone.Platform.PageBytes, out nuint address);
            if (!result.Succeeded)
            {
                return null;
            }

            stack = (FrameStack*)address;
        }

        // The last owner may have died anywhere, even between a refused pop and its repair.
        stack->Magazine.Attach((byte*)stack + FrameStack.SlotsOffset, FrameStack.Capacity);
        var owner = new FrameStackOwner(this, Thread.CurrentThread, stack);
        _registry.Add(owner);
        return owner;
    }

    private ulong CountStacked()
    {
        using (_registryLock.EnterScope())
        {
            ulong stacked = 0;
            foreach (FrameStackOwner owner in _registry)
            {
                stacked += (ulong)owner.Stack->Magazine.Count;
            }

            return stacked;
        }
    }
}
