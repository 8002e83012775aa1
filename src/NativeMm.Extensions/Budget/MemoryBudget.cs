// Purpose      one limit for managed and native memory: the boundary between the two moves by demand.
// States       ample: more than the margin is free; the garbage collector may take all of that. Short: less is free; idle memory goes first, then what the
//              service's handlers give up, then garbage; the collector may take no more than it has. What brought nothing rests (PressureRest).
// Ownership    what a step remembers | the one step at a time, by _stepping | nobody else
//              the events, the managed limit and its end | under _lock | readers take it, or read the word
// Progress     handlers, trims and collections run outside of the lock: whoever reads the events, or ends the budget, never waits for the service's code.
//              A step that comes while another is at work does nothing; one that goes on after the end moves nothing. Steps come by a timer. Between two of them either side may grow by less than the margin: that is what it is for.
// Source       GCHeapHardLimit with GC.RefreshMemoryLimit, which takes effect at run time and can be raised again.

using NativeMm.Primitives;

namespace NativeMm.Extensions;

/// <summary>
/// One limit for managed and native memory together (<see cref="NativeMmOptions.TotalMemoryLimit"/>). The garbage collector takes three quarters of a container
/// by itself and is blind to native memory; here its limit follows what native memory leaves over, and when little is left, caches shrink before anything
/// fails. Thread-safe.
/// </summary>
public sealed class MemoryBudget
{
    private const int EventsMax = 50;
    private const int MarginDivisor = 12;
    private const long MarginBytesMin = 24L << 20;
    private const long ManagedBytesMin = 32L << 20;
    private const int StepDivisor = 128;

    // What brings less than that part of the margin, one in so many, was in vain.
    private const int WorthDivisor = 8;

    private readonly IBudgetSystem _system;
    private readonly TimeProvider _time;
    private readonly Queue<MemoryPressureEvent> _events = new(EventsMax + 1);
    private SleepLock _lock;
    private bool _hasEnded;
    private int _stepping;
    private long _managedLimit;
    private long _steps;
    private PressureRest _passes = new(TimeSpan.Zero, TimeSpan.FromSeconds(2));
    private PressureRest _collections = new(TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1));

    internal MemoryBudget(long totalBytes, IBudgetSystem system, TimeProvider time)
    {
        TotalBytes = totalBytes;
        MarginBytes = long.Max(totalBytes / MarginDivisor, MarginBytesMin);
        _system = system;
        _time = time;
    }

    /// <summary>The limit in bytes.</summary>
    public long TotalBytes { get; }

    /// <summary>When less than this is left of the limit, memory is short.</summary>
    public long MarginBytes { get; }

    /// <summary>What this budget lets the garbage collector take; 0 before the first look and after the end. Of several budgets in a process the lowest holds.</summary>
    public long ManagedLimitBytes => Atomic.LoadAcquire(ref _managedLimit);

    /// <summary>How often the budget looked.</summary>
    public long Steps => Atomic.LoadAcquire(ref _steps);

    /// <summary>The last times that memory ran short, oldest first; 50 at most.</summary>
    public IReadOnlyList<MemoryPressureEvent> Events
    {
        get
        {
            using (_lock.EnterScope())
            {
                return [.. _events];
            }
        }
    }

    /// <summary>Looks, and moves the boundary. Does nothing while another step is at work, or after the end.</summary>
    internal void Step() => StepUnlessBusy(static budget => budget.StepAlone());

    /// <summary>Lets steps move the boundary, after an end too, and sets the collector's limit. Nothing of the service is asked for memory here, however short it is.</summary>
    internal void Begin()
    {
        using (_lock.EnterScope())
        {
            _hasEnded = false;
        }

        StepUnlessBusy(static budget => budget.Move(budget.TotalBytes - budget._system.Resident, force: true));
    }

    /// <summary>Lets the garbage collector have what it had before there was a budget, for good: a step that is still at work moves nothing.</summary>
    internal void End()
    {
        using (_lock.EnterScope())
        {
            if (!_hasEnded)
            {
                _hasEnded = true;
                _system.EndManagedLimit();
                Atomic.StoreRelease(ref _managedLimit, 0);
            }
        }
    }

    private void StepUnlessBusy(Action<MemoryBudget> step)
    {
        if (HasEnded() || !Atomic.CompareExchange(ref _stepping, 0, 1))
        {
            return;
        }

        try
        {
            step(this);
            Atomic.Add(ref _steps, 1);
        }
        finally
        {
            Atomic.StoreRelease(ref _stepping, 0);
        }
    }

    private bool HasEnded()
    {
        using (_lock.EnterScope())
        {
            return _hasEnded;
        }
    }

    private void StepAlone()
    {
        long resident = _system.Resident;
        long free = TotalBytes - resident;
        bool isShort = free < MarginBytes || IsManagedHungry(free);
        if (!isShort || _passes.Holds(_time, resident, _system.Managed, MarginBytes / WorthDivisor))
        {
            Move(free, force: false);
            return;
        }

        // To come back in the middle of the ample state, not at its edge.
        long before = free;
        long caches = _system.TrimCaches();
        free = TotalBytes - _system.Resident;
        long handlers = 0;
        if (free < MarginBytes)
        {
            handlers = _system.AskHandlers((2 * MarginBytes) - free);
            free = TotalBytes - _system.Resident;
        }

        bool collected = free < MarginBytes && TryCollect(ref free);
        Move(free, force: true);
        _passes.Note(_time, TotalBytes - free, _system.Managed, inVain: long.Max(free - before, caches + handlers) < MarginBytes / WorthDivisor);
        var told = new MemoryPressureEvent(_time.GetUtcNow(), before, free, caches, handlers, collected, ManagedLimitBytes);
        using (_lock.EnterScope())
        {
            _events.Enqueue(told);
            if (_events.Count > EventsMax)
            {
                _events.Dequeue();
            }
        }
    }

    /// <summary>Whether the collector is close to a limit that could be raised if our caches were smaller.</summary>
    private bool IsManagedHungry(long free) =>
        ManagedLimitBytes is > 0 and long limit && free < 2 * MarginBytes && _system.Managed > limit - (MarginBytes / 2);

    private bool TryCollect(ref long free)
    {
        if (_collections.Holds(_time, TotalBytes - free, _system.Managed, MarginBytes / WorthDivisor))
        {
            return false;
        }

        long before = free;
        _system.Collect();
        free = TotalBytes - _system.Resident;
        _collections.Note(_time, TotalBytes - free, _system.Managed, inVain: free - before < MarginBytes / WorthDivisor);
        return true;
    }

    /// <summary>The collector may take what it has and what is free, but for half of the margin, which it needs to collect at all.</summary>
    private void Move(long free, bool force)
    {
        long managed = _system.Managed;
        long most = long.Max(TotalBytes - MarginBytes, ManagedBytesMin);
        long wanted = long.Clamp(managed + long.Max(free - (MarginBytes / 2), MarginBytes / 4), ManagedBytesMin, most);
        if (!force && ManagedLimitBytes is > 0 and long limit && long.Abs(wanted - limit) < TotalBytes / StepDivisor)
        {
            return;
        }

        // Under the lock, so that no end comes in between. The collector is called and none of the service's code.
        using (_lock.EnterScope())
        {
            if (!_hasEnded && _system.TrySetManagedLimit(wanted))
            {
                Atomic.StoreRelease(ref _managedLimit, wanted);
            }
        }
    }
}
