namespace NativeMm.Heap.Checked;

/// <summary>What happens when a checked heap is disposed, or the process ends, while blocks of the heap are still allocated.</summary>
public enum LeakPolicy
{
    /// <summary>The report goes to <see cref="CheckedOptions.LeakHandler"/>, or to standard error when there is none.</summary>
    Report,

    /// <summary>As <see cref="Report"/>, and then <c>Dispose</c> throws after all memory went back. At the end of the process the exit code becomes 1 if it was 0.</summary>
    Throw,

    /// <summary>Nothing is reported.</summary>
    Ignore,
}
