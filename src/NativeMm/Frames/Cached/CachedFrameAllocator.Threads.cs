using NativeMm.Diagnostics;
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
        using EndGate.Visit inside = _end.Visiting(this);
        return DrainStacks();
    }

    private ulong DrainStacks()
    {
        using (_registryLock.EnterScope())
        {
            return Steal(onlyDead: false) + _behind.Drain();
        }
    }

    /// <summary>Empties the stacks of threads that are no more, and keeps the stacks for threads that come.</summary>
    /// <returns>How many frames moved.</returns>
    private ulong DrainDead()
    {
        using (_registryLock.EnterScope())
        {
            // A theft like any other: its fence also makes sure that the last writes of the dead are seen.
            ulong moved = Steal(onlyDead: true);
            ref FrameStackOwner? link = ref _registry;
            while (link is { } owner)
            {
                if (owner.IsRobbed)
                {
                    Invariant.Assert(owner.Stack->Magazine.Count == 0, $"The stack of a dead thread has {owner.Stack->Magazine.Count} frames after they were taken.");
                    owner.Allocator = null;
                    owner.Stack->NextSpare = _spareStacks;
                    _spareStacks = owner.Stack;
                    link = owner.Next;
                }
                else
                {
                    link = ref owner.Next;
                }
            }

            return moved;
        }
    }

    /// <summary>
    /// Takes all frames out of stacks whose owners may be at work, and gives them to the allocator behind. No managed memory is allocated, so that
    /// nothing can be thrown while guards are held.
    /// </summary>
    /// <param name="onlyDead">Only out of the stacks of threads that are no more; those are marked as robbed.</param>
    private ulong Steal(bool onlyDead)
    {
        Invariant.Assert(_registryLock.IsHeldByCurrentThread, "Stacks are robbed without the lock of the registry.");
        int victims = 0;
        for (FrameStackOwner? owner = _registry; owner is not null; owner = owner.Next)
        {
            // Asked once: a thread that dies in between waits for the next time.
            owner.IsRobbed = !onlyDead || !owner.Thread.IsAlive;
            if (owner.IsRobbed)
            {
                owner.Stack->Guard.Enter();
                owner.Theft = owner.Stack->Magazine.StealBegin();
                victims++;
            }
        }

        if (victims == 0)
        {
            return 0;
        }

        // One fence for all stacks: it is the expensive half of every owner's cheap pop.
        Atomic.ProcessWideFence(); // [T0] is [M5] of Magazine
        Span<Pfn> stolen = stackalloc Pfn[FrameStack.Capacity];
        ulong moved = 0;
        for (FrameStackOwner? owner = _registry; owner is not null; owner = owner.Next)
        {
            if (owner.IsRobbed)
            {
                moved += (ulong)FinishTheft(owner, stolen);
            }
        }

        return moved;
    }

    /// <summary>Second half of a theft: the guard is given up before the allocator behind gets the frames.</summary>
    private int FinishTheft(FrameStackOwner owner, Span<Pfn> stolen)
    {
        Invariant.Assert(owner.Stack->Guard.IsHeld, "A theft ends without the guard of the stack.");
        BeginTransit(); // [T1]
        int count = 0;
        foreach (nint item in owner.Stack->Magazine.StealEnd(owner.Theft))
        {
            Invariant.Assert(_states[item] == CachedFrameState.Stacked, $"Frame {item} is stolen from a stack and is {_states[item]}.");
            _states[item] = CachedFrameState.Behind;
            stolen[count++] = new Pfn((uint)item);
        }

        owner.Stack->Guard.Exit();

        // Sorted, frames of one row go back together.
        stolen[..count].Sort();
        _behind.FreeBulk(stolen[..count], Order.Zero);
        EndTransit(count != 0); // [T2]
        return count;
    }

    /// <summary>This thread's stack here, made or taken over from a dead thread if need be. For allocations: it may need managed memory.</summary>
    /// <returns>The stack, or null when the system has no memory for one.</returns>
    private FrameStackOwner? OwnerOfThisThread() => KnownOwner() ?? Register();

    /// <summary>This thread's stack here, if it has one.</summary>
    private FrameStackOwner? KnownOwner()
    {
        FrameStackOwner? owner = t_owner;
        if (owner != null && owner.Allocator == this)
        {
            return owner;
        }

        using (_registryLock.EnterScope())
        {
            owner = _registry;
            while (owner is not null && owner.Thread != Thread.CurrentThread)
            {
                owner = owner.Next;
            }
        }

        t_owner = owner ?? t_owner;
        return owner;
    }

    private FrameStackOwner? Register()
    {
        DrainDead();
        FrameStack* stack;
        using (_registryLock.EnterScope())
        {
            stack = _spareStacks;
            _spareStacks = stack != null ? stack->NextSpare : null;
        }

        if (stack == null)
        {
            PlatformResult result = _zone.Platform.Reserve(FrameStack.Bytes, _zone.Platform.PageBytes, out nuint address);
            if (!result.Succeeded)
            {
                return null;
            }

            stack = (FrameStack*)address;
        }

        // The last owner may have died anywhere, even between a refused pop and its repair.
        Invariant.Assert(((nuint)stack & (CacheLine.Isolation - 1)) == 0, $"A stack lies at 0x{(nuint)stack:x}.");
        stack->Magazine.Attach((byte*)stack + FrameStack.SlotsOffset, FrameStack.Capacity);
        FrameStackOwner? owner = null;
        try
        {
            owner = new FrameStackOwner(this, Thread.CurrentThread, stack);
        }
        finally
        {
            AddToRegistry(owner, stack);
        }

        t_owner = owner;
        return owner;
    }

    /// <summary>Ties a stack to its owner, or keeps it for somebody else when there was no managed memory for one.</summary>
    private void AddToRegistry(FrameStackOwner? owner, FrameStack* stack)
    {
        using (_registryLock.EnterScope())
        {
            if (owner is null)
            {
                stack->NextSpare = _spareStacks;
                _spareStacks = stack;
                return;
            }

            Invariant.Assert(owner.Allocator == this && owner.Stack == stack, "A stack is registered for another allocator, or is another one.");
            owner.Next = _registry;
            _registry = owner;
        }
    }

    private void BeginTransit() => Atomic.Add(ref _inTransit, 1); // [T1]

    private void EndTransit(bool anyMoved)
    {
        Invariant.Assert(Atomic.LoadAcquire(ref _inTransit) > 0, $"A transit ends, and {_inTransit} are under way.");
        if (anyMoved)
        {
            Atomic.Add(ref _arrivals, 1u); // [T2]
        }

        Atomic.Add(ref _inTransit, -1); // [T2]
    }

    private ulong CountStacked()
    {
        using (_registryLock.EnterScope())
        {
            ulong stacked = 0;
            for (FrameStackOwner? owner = _registry; owner is not null; owner = owner.Next)
            {
                stacked += (ulong)owner.Stack->Magazine.Count;
            }

            return stacked;
        }
    }
}
