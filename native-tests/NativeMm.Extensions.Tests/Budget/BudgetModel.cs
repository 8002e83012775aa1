namespace NativeMm.Extensions.Tests.Budget;

/// <summary>A process that the budget looks at: what it holds, and what each side could give up.</summary>
internal sealed class BudgetModel : IBudgetSystem
{
    public long Rest { get; set; } = 40L << 20;

    public long ManagedLive { get; set; } = 20L << 20;

    public long Garbage { get; set; }

    public long NativeLive { get; set; }

    public long Idle { get; set; }

    public long Evictable { get; set; }

    public long ManagedLimit { get; private set; }

    /// <summary>Called while the handlers are asked.</summary>
    public Action? OnAsk { get; set; }

    public bool HasLimit { get; private set; }

    public int Collections { get; private set; }

    /// <summary>How often the handlers were asked.</summary>
    public int Asked { get; private set; }

    public int Refusals { get; private set; }

    public long Resident => Rest + Managed + NativeLive + Idle + Evictable;

    public long Managed => ManagedLive + Garbage;

    public bool TrySetManagedLimit(long bytes)
    {
        if (bytes < Managed)
        {
            Refusals++;
            return false;
        }

        ManagedLimit = bytes;
        HasLimit = true;
        return true;
    }

    public void EndManagedLimit() => HasLimit = false;

    public long TrimCaches() => Take(Idle, Idle, left => Idle = left);

    public long AskHandlers(long bytes)
    {
        Asked++;
        OnAsk?.Invoke();
        return Take(Evictable, bytes, left => Evictable = left);
    }

    public void Collect()
    {
        Collections++;
        Garbage = 0;
    }

    /// <summary>Allocates managed memory as the collector does: garbage goes when the limit is near; false for an exception.</summary>
    public bool AllocateManaged(long bytes)
    {
        if (Managed + bytes > ManagedLimit)
        {
            Garbage = 0;
        }

        bool fits = Managed + bytes <= ManagedLimit;
        ManagedLive += fits ? bytes : 0;
        return fits;
    }

    private static long Take(long from, long wanted, Action<long> set)
    {
        long taken = long.Min(from, wanted);
        set(from - taken);
        return taken;
    }
}
