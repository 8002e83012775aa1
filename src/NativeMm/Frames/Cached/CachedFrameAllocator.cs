// Purpose      single frames from a stack of the calling thread, in front of any frame allocator.
// States       a byte a frame (CachedFrameState): behind → out → stacked → out … → behind.
// Transitions  refill: behind → stacked, by the thread, 63 at once; pop: stacked → out; push: out → stacked;
//              split: behind → out, by the owner of the block. Flush, steal: stacked → behind, by the thread or by whoever drains. In between a frame is in transit: nobody finds it.
// Ownership    field     | who writes                                | who reads | how   | guard
//              magazine  | the thread; thieves raise its floor       | both      | see Magazine.cs
//              state     | whoever has the frame: thread or thief    | same      | plain | having the frame
//              registry  | threads on their first call, Drain        | same      | plain | _registryLock
//              transit   | refills, flushes, thefts                  | failing allocations | add, acquire | the word itself
// Ordering     a frame's state byte is written before the frame is pushed, flushed or handed out, and travels with it: through the magazine
//              to a thief, through the allocator behind to anybody, through the caller's own means between the caller's threads.
//              [T0] the fence of a theft; see Magazine.cs.
//              [T1] counts a transit before frames leave a place where others find them, [T2] after they are in another such place counts an
//              arrival, and only then takes the transit out. [T3] an allocation that is about to fail reads the arrivals, drains and tries,
//              and reads transits, then arrivals: if nobody is in transit and nothing arrived, no frame was hidden from it.
// Progress     pop and push are wait-free until the stack is empty or full. Then the allocator behind decides. Drain blocks only threads
//              whose stack is empty or full at that moment.
// Source       Linux's per-CPU page lists, per thread instead: .NET cannot switch preemption off.

using System.Runtime.InteropServices;
using NativeMm.Diagnostics;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <summary>
/// Stacks of single frames, one for each thread, in front of another allocator. Larger blocks go straight through. A get and a put touch
/// nothing that another thread writes and need no locked instruction. Thread-safe. Threads that die leave their frames to the next thread
/// that comes, to <see cref="Drain"/> and to whoever finds the zone empty.
/// Accounting equation: managed = free + per-core + allocated + isolated, where per-core is what lies in the stacks.
/// </summary>
public sealed unsafe partial class CachedFrameAllocator : IFrameAllocator, IFrameSource
{
    [ThreadStatic]
    private static FrameStackOwner? t_owner;

    private readonly IFrameAllocator _behind;
    private readonly FrameZone _zone;
    private readonly uint _frameCount;
    private readonly ShrinkerList _shrinkers = new();
    private SleepLock _registryLock;
    private FrameStackOwner? _registry;
    private FrameStack* _spareStacks;
    private CachedFrameState* _states;
    private int _inTransit;
    private uint _arrivals;

    // Who counts, drains or validates is inside; who allocates and frees must not overlap the end.
    private EndGate _end;

    /// <summary>Puts stacks in front of an allocator.</summary>
    /// <param name="behind">The allocator behind. It must outlive this one, and its frames of order 0 should be taken through this one.</param>
    /// <exception cref="OutOfMemoryException">The system refuses the memory for the bookkeeping, one byte a frame.</exception>
    /// <exception cref="ArgumentNullException">The allocator is null.</exception>
    public CachedFrameAllocator(IFrameAllocator behind)
    {
        ArgumentNullException.ThrowIfNull(behind);
        _behind = behind;
        _zone = behind.Zone;
        _frameCount = _zone.FrameCount;
        PlatformResult result = _zone.TryAddArray(sizeof(CachedFrameState), 0, readable: true, out nuint states);
        if (!result.Succeeded)
        {
            throw OutOfFrames.ForBookkeeping(_zone, _frameCount, result);
        }

        _states = (CachedFrameState*)states;
    }

    /// <inheritdoc/>
    public FrameZone Zone => _zone;

    /// <summary>Whom an allocation asks before it fails.</summary>
    internal ShrinkerList Shrinkers => _shrinkers;

    /// <inheritdoc/>
    public bool TryAllocate(Order order, FrameFlags flags, out Pfn frame, out bool knownZero)
    {
        FrameStackOwner? owner = t_owner;
        if (order.Value == 0 && owner != null && owner.Allocator == this && owner.Stack->Magazine.TryPop(out nuint item))
        {
            Invariant.Assert(_states[item] == CachedFrameState.Stacked, $"Frame {item} is popped from a stack and is {_states[item]}.");
            _states[item] = CachedFrameState.Out;
            frame = new Pfn((uint)item);
            knownZero = (flags & FrameFlags.Zeroed) != 0;
            if (knownZero)
            {
                NativeMemory.Clear(_zone.AddressOf(frame), Pfn.FrameBytes);
            }

            return true;
        }

        return order.Value == 0
            ? AllocateRefill(flags, out frame, out knownZero)
            : AllocateStraight(order.Frames, flags, out frame, out knownZero);
    }

    /// <inheritdoc/>
    public bool TryAllocateExact(uint frames, FrameFlags flags, out Pfn first, out bool knownZero) =>
        FrameRun.Of(frames).Order == 0
            ? TryAllocate(Order.Zero, flags, out first, out knownZero)
            : AllocateStraight(frames, flags, out first, out knownZero);

    /// <inheritdoc/>
    /// <remarks>Not for single frames: those may lie on the stack of any thread.</remarks>
    public bool TryAllocateAt(Pfn first, uint frames, out bool knownZero)
    {
        knownZero = false;
        return FrameRun.Of(frames).Order != 0 && _behind.TryAllocateAt(first, frames, out knownZero);
    }

    /// <inheritdoc/>
    public bool TryExtend(Pfn first, uint frames, uint newFrames) => FrameRun.Of(frames).Order != 0 && _behind.TryExtend(first, frames, newFrames);

    /// <inheritdoc/>
    public void FreeExact(Pfn first, uint frames)
    {
        if (FrameRun.Of(frames).Order == 0)
        {
            Free(first, Order.Zero);
            return;
        }

        _behind.FreeExact(first, frames);
    }

    /// <inheritdoc/>
    public void Free(Pfn frame, Order order)
    {
        FrameStackOwner? owner = t_owner;
        if (order.Value == 0
            && owner != null
            && owner.Allocator == this
            && frame.Value < _frameCount
            && _states[frame.Value] == CachedFrameState.Out)
        {
            _states[frame.Value] = CachedFrameState.Stacked;
            if (!owner.Stack->Magazine.TryPush(frame.Value))
            {
                FreeFlush(owner, frame);
            }

            return;
        }

        FreeSlow(frame, order);
    }

    /// <inheritdoc/>
    public int Isolate(Order order, Span<Pfn> blocks, ref uint cursor) => _behind.Isolate(order, blocks, ref cursor);

    /// <inheritdoc/>
    public void PutBack(ReadOnlySpan<Pfn> blocks, Order order, FrameContent content) => _behind.PutBack(blocks, order, content);

    /// <inheritdoc/>
    IReportableFrames IFrameSource.Reportable(IFrameAllocator surface, BuddyReportScheme scheme) => ReportableFrames.For(_behind, surface, scheme);

    /// <inheritdoc/>
    IsolationMark IFrameSource.ReadIsolation() => ReadIsolation();

    /// <inheritdoc/>
    ulong IFrameSource.CountFreeFrames() => (_behind as IFrameSource)?.CountFreeFrames() ?? _behind.GetStatistics().FreeFrames;

    /// <inheritdoc/>
    /// <remarks>The stacks of threads that live stay: they hold 252 frames at most each, and idle ones are not told from busy ones.</remarks>
    ulong IFrameSource.DrainIdle() => DrainDead() + ((_behind as IFrameSource)?.DrainIdle() ?? 0);

    /// <inheritdoc/>
    bool IFrameSource.CanSplit => _behind is IFrameSource { CanSplit: true };

    /// <inheritdoc/>
    /// <remarks>The frames are handed out as single ones from then on: a thread that frees one has it on its stack.</remarks>
    void IFrameSource.Split(Pfn block)
    {
        ThrowIfDisposed();
        if (_behind is not IFrameSource { CanSplit: true } source)
        {
            throw new NotSupportedException($"{_behind.GetType().Name} cannot split blocks.");
        }

        source.Split(block);
        Invariant.Assert(
            !new Span<CachedFrameState>(_states + block.Value, (int)Order.Huge.Frames).ContainsAnyExcept(CachedFrameState.Behind),
            $"A frame of block {block} that was split was known as its own.");
        new Span<CachedFrameState>(_states + block.Value, (int)Order.Huge.Frames).Fill(CachedFrameState.Out);
    }

    /// <inheritdoc/>
    public void AddShrinker(IShrinker shrinker) => _shrinkers.Add(shrinker);

    /// <inheritdoc/>
    public void RemoveShrinker(IShrinker shrinker) => _shrinkers.Remove(shrinker);

    /// <inheritdoc/>
    public FrameStatistics GetStatistics()
    {
        using EndGate.Visit inside = _end.Visiting(this);
        FrameStatistics behind = _behind.GetStatistics();
        ulong stacked = Math.Min(CountStacked(), behind.AllocatedFrames);
        return behind with
        {
            PerCoreFrames = behind.PerCoreFrames + stacked,
            AllocatedFrames = behind.AllocatedFrames - stacked,
        };
    }

    /// <inheritdoc/>
    public void Validate()
    {
        using EndGate.Visit inside = _end.Visiting(this);
        DrainDead();
        ulong stacked = CountStacked();
        ulong marked = 0;
        for (uint frame = 0; frame < _zone.OpenedFrames; frame++)
        {
            marked += _states[frame] == CachedFrameState.Stacked ? 1u : 0u;
        }

        Invariant.Check(stacked == marked, $"{stacked} frames lie in stacks, but {marked} are marked so.");
        Invariant.Check(
            stacked <= _behind.GetStatistics().AllocatedFrames, $"{stacked} frames lie in stacks, more than the allocator behind gave.");
        _behind.Validate();
    }

    /// <summary>Gives all stacked frames and the stacks back. The allocator behind and the zone stay. A second call does nothing.</summary>
    public void Dispose()
    {
        if (!_end.Close())
        {
            return;
        }

        try
        {
            DrainStacks();
        }
        catch (ObjectDisposedException)
        {
            // The allocator behind went first, as with its runtime, and took all frames along.
        }

        using (_registryLock.EnterScope())
        {
            for (; _registry is not null; _registry = _registry.Next)
            {
                // What a thread does later goes the slow way, which says that the allocator is gone.
                _registry.Allocator = null;
                Release((nuint)_registry.Stack, FrameStack.Bytes);
            }

            while (_spareStacks != null)
            {
                FrameStack* spare = _spareStacks;
                _spareStacks = spare->NextSpare;
                Release((nuint)spare, FrameStack.Bytes);
            }
        }

        Invariant.Assert(_states != null, "The states of a cache are given back twice.");
        _zone.RemoveArray((nuint)_states);
        _states = null;
    }

    private void Release(nuint address, nuint bytes)
    {
        _zone.Platform.ReleaseOrKeep(address, bytes);
    }
}
