namespace NativeMm.Heap.Checked;

/// <summary>What happens when a checked heap is disposed while blocks of it are still allocated.</summary>
public enum LeakPolicy
{
    /// <summary>The report goes to <see cref="CheckedOptions.LeakHandler"/>, or to standard error when there is none.</summary>
    Report,

    /// <summary>As <see cref="Report"/>, and then <c>Dispose</c> throws after all memory went back.</summary>
    Throw,

    /// <summary>Nothing is reported.</summary>
    Ignore,
}
