using System.Diagnostics.CodeAnalysis;

namespace NativeMm.Caching;

/// <summary>How dear an entry is when a <see cref="NativeCache"/> is full.</summary>
[SuppressMessage("Design", "CA1028:Enum Storage should be Int32", Justification = "Lies in the options of every entry.")]
public enum CachePriority : sbyte
{
    /// <summary>Goes before entries of other priorities that were used no more than it.</summary>
    Low = -1,

    /// <summary>Goes when the replacement policy says so.</summary>
    Normal = 0,

    /// <summary>Stays as long as there is something else to evict.</summary>
    High = 1,

    /// <summary>Is never evicted; it goes when it expires, is removed or is replaced. When nothing else is left to evict, new entries are refused.</summary>
    NeverRemove = 2,
}
