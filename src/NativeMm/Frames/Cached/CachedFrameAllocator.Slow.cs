using System.Numerics;
using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <content>Empty stacks, full stacks, larger blocks and bulk calls. No guard is held while the allocator behind is at work.</content>
public sealed unsafe partial class CachedFrameAllocator
{
    /// <inheritdoc/>
    public int AllocateBulk(Order order, FrameFlags flags, Span<Pfn> frames)
    {
        ThrowIfDisposed();
        int count = AllocateBehind(order, flags, frames);
        count += AllocateDraining(order, flags, frames[count..]);
        var attempts = new ShrinkAttempts(_shrinkers, (ulong)(frames.Length - count) << order.Value);
        try
        {
            while (count < frames.Length && (flags & FrameFlags.NoReclaim) == 0 && attempts.Next(ReadIsolation()))
            {
                count += AllocateDraining(order, flags, frames[count..]);
            }
        }
        catch
        {
            // A shrinker of the program. Nobody is told of what there is already.
            Invariant.Assert(count < frames.Length, $"All {count} blocks that were asked for are there, and a shrinker was asked.");
            FreeBulk(frames[..count], order);
            throw;
        }

        return count;
    }

    /// <inheritdoc/>
    /// <remarks>When a block is not allocated, those before it in the span are free and those after it are not.</remarks>
    public void FreeBulk(ReadOnlySpan<Pfn> frames, Order order)
    {
        ThrowIfDisposed();
        int at = 0;
        while (at < frames.Length)
        {
            int good = at;
            while (order.Value == 0
                && good < frames.Length
                && frames[good].Value < _frameCount
                && _states[frames[good].Value] == CachedFrameState.Out)
            {
                _states[frames[good++].Value] = CachedFrameState.Behind;
            }

            _behind.FreeBulk(frames[at..good], order);
            if (good < frames.Length)
            {
                Free(frames[good++], order);
            }

            at = good;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool AllocateRefill(FrameFlags flags, out Pfn frame, out bool knownZero)
    {
        ThrowIfDisposed();
        FrameStackOwner? owner = t_owner;
        if (owner != null && owner.Allocator == this)
        {
            // The pop that led here was refused.
            Restore(ref *owner.Stack);
        }
        else
        {
            owner = OwnerOfThisThread();
        }

        return (owner != null && TryRefill(owner, flags, out frame, out knownZero)) || AllocateStraight(1, flags, out frame, out knownZero);
    }

    /// <summary>Takes a run from behind, past the stacks.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool AllocateStraight(uint frames, FrameFlags flags, out Pfn first, out bool knownZero)
    {
        Invariant.Assert(frames is > 0 && frames <= Order.Max.Frames, $"{frames} frames are allocated in a row.");
        ThrowIfDisposed();
        // Frames in the stacks of others are missing behind, and what a shrinker frees lands in this thread's stack: drain after both.
        if (TryAllocateBehind(frames, flags, out first, out knownZero) || TryAllocateDraining(frames, flags, out first, out knownZero))
        {
            return true;
        }

        var attempts = new ShrinkAttempts(_shrinkers, frames);
        while ((flags & FrameFlags.NoReclaim) == 0 && attempts.Next(ReadIsolation()))
        {
            if (TryAllocateDraining(frames, flags, out first, out knownZero))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Empties the stacks and tries again, and once more for as long as frames were on their way meanwhile.</summary>
    private bool TryAllocateDraining(uint frames, FrameFlags flags, out Pfn first, out bool knownZero)
    {
        var transits = new FrameTransits(_shrinkers.Patience);
        do
        {
            transits.Look(in _arrivals); // [T3]
            DrainStacks();
            if (TryAllocateBehind(frames, flags, out first, out knownZero))
            {
                return true;
            }
        }
        while (transits.MayHaveHidden(in _inTransit, in _arrivals)); // [T3]

        return false;
    }

    /// <inheritdoc cref="TryAllocateDraining"/>
    private int AllocateDraining(Order order, FrameFlags flags, Span<Pfn> frames)
    {
        var transits = new FrameTransits(_shrinkers.Patience);
        int count = 0;
        bool goesOn = !frames.IsEmpty;
        while (goesOn)
        {
            transits.Look(in _arrivals); // [T3]
            DrainStacks();
            count += AllocateBehind(order, flags, frames[count..]);
            goesOn = count < frames.Length && transits.MayHaveHidden(in _inTransit, in _arrivals); // [T3]
        }

        return count;
    }

    private void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(_states == null, this);

    private IsolationMark ReadIsolation() => (_behind as IFrameSource)?.ReadIsolation() ?? default;

    /// <summary>Gets a batch from behind, the first frame for the caller and the others for the stack.</summary>
    private bool TryRefill(FrameStackOwner owner, FrameFlags flags, out Pfn frame, out bool knownZero)
    {
        if (!TryAllocateBehind(1, flags, out frame, out knownZero))
        {
            return false;
        }

        // Clearing is for the one that is wanted now: the others may be wanted dirty.
        Span<Pfn> batch = stackalloc Pfn[FrameStack.Batch - 1];
        BeginTransit(); // [T1]
        int count = 0;
        try
        {
            count = _behind.AllocateBulk(Order.Zero, (flags | FrameFlags.NoReclaim) & ~FrameFlags.Zeroed, batch);

            // Lowest address on top.
            for (int i = count - 1; i >= 0; i--)
            {
                Invariant.Assert(_states[batch[i].Value] == CachedFrameState.Behind, $"Frame {batch[i]} comes from behind and is {_states[batch[i].Value]}.");
                _states[batch[i].Value] = CachedFrameState.Stacked;
                if (!owner.Stack->Magazine.TryPush(batch[i].Value))
                {
                    FreeFlush(owner, batch[i]);
                }
            }
        }
        finally
        {
            EndTransit(count != 0); // [T2]
        }

        return true;
    }

    /// <summary>After a pop was refused: the top goes back to where it was, and the slots below a raised floor are usable again.</summary>
    private static void Restore(ref FrameStack stack)
    {
        stack.Guard.Enter();
        stack.Magazine.PopRefused();
        stack.Magazine.Normalize();
        stack.Guard.Exit();
    }

    /// <summary>Sends the oldest batch behind and pushes a frame that did not fit.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void FreeFlush(FrameStackOwner owner, Pfn frame)
    {
        Invariant.Assert(_states[frame.Value] == CachedFrameState.Stacked, $"Frame {frame} goes to a stack that was full and is {_states[frame.Value]}.");
        ref FrameStack stack = ref *owner.Stack;
        Span<Pfn> batch = stackalloc Pfn[FrameStack.Batch];
        BeginTransit(); // [T1]
        stack.Guard.Enter();
        Span<nuint> items = stack.Magazine.Normalize();
        int count = Math.Max(0, Math.Min(FrameStack.Batch, items.Length - (FrameStack.Capacity - FrameStack.Batch)));
        for (int i = 0; i < count; i++)
        {
            batch[i] = new Pfn((uint)items[i]);
            Invariant.Assert(_states[items[i]] == CachedFrameState.Stacked, $"Frame {batch[i]} lies in a stack and is {_states[items[i]]}.");
            _states[items[i]] = CachedFrameState.Behind;
        }

        items[count..].CopyTo(items);
        stack.Magazine.SetItems(items.Length - count);
        bool pushed = stack.Magazine.TryPush(frame.Value);
        stack.Guard.Exit();
        Diagnostics.Invariant.Check(pushed, $"A stack of frames is full after {count} of its frames were flushed.");
        _behind.FreeBulk(batch[..count], Order.Zero);
        EndTransit(count != 0); // [T2]
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void FreeSlow(Pfn frame, Order order)
    {
        ThrowIfDisposed();
        CachedFrameState state = frame.Value < _frameCount ? _states[frame.Value] : CachedFrameState.Behind;
        if (state == CachedFrameState.Stacked)
        {
            FrameFault.ThrowDoubleFree(_zone, frame, order);
        }

        if (state == CachedFrameState.Out)
        {
            if (order.Value != 0)
            {
                FrameFault.ThrowWrongOrder(_zone, frame, order);
            }

            // The first call of this thread after it used another allocator. A thread that never allocated has no stack, and gets none here: that
            // would take managed memory, and a free must not need any.
            if (KnownOwner() != null)
            {
                Free(frame, order);
                return;
            }

            _states[frame.Value] = CachedFrameState.Behind;
        }

        _behind.Free(frame, order);
    }

    private bool TryAllocateBehind(uint frames, FrameFlags flags, out Pfn first, out bool knownZero)
    {
        // Order 10 is a block and longer than any run.
        bool found = BitOperations.IsPow2(frames)
            ? _behind.TryAllocate(new Order(BitOperations.Log2(frames)), flags | FrameFlags.NoReclaim, out first, out knownZero)
            : _behind.TryAllocateExact(frames, flags | FrameFlags.NoReclaim, out first, out knownZero);
        if (found && frames == 1)
        {
            Invariant.Assert(_states[first.Value] == CachedFrameState.Behind, $"Frame {first} comes from behind and is {_states[first.Value]}.");
            _states[first.Value] = CachedFrameState.Out;
        }

        return found;
    }

    private int AllocateBehind(Order order, FrameFlags flags, Span<Pfn> frames)
    {
        int count = _behind.AllocateBulk(order, flags | FrameFlags.NoReclaim, frames);
        if (order.Value == 0)
        {
            foreach (Pfn frame in frames[..count])
            {
                Invariant.Assert(_states[frame.Value] == CachedFrameState.Behind, $"Frame {frame} comes from behind and is {_states[frame.Value]}.");
                _states[frame.Value] = CachedFrameState.Out;
            }
        }

        return count;
    }
}
