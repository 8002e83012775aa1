namespace NativeMm.Extensions;

/// <summary>What a budget reads and moves.</summary>
internal interface IBudgetSystem
{
    /// <summary>Resident bytes of the process.</summary>
    long Resident { get; }

    /// <summary>Bytes that the garbage collector has committed, or uses, whichever is more.</summary>
    long Managed { get; }

    /// <summary>Sets the most that the garbage collector may commit.</summary>
    /// <returns>False when it has more than that already.</returns>
    bool TrySetManagedLimit(long bytes);

    /// <summary>Lets the garbage collector have what it had before the first limit was set; without one it does nothing.</summary>
    void EndManagedLimit();

    /// <summary>Gives the library's idle memory back.</summary>
    long TrimCaches();

    /// <summary>Asks the service's handlers.</summary>
    long AskHandlers(long bytes);

    /// <summary>Collects, and lets the collector give its free memory back.</summary>
    void Collect();
}
