using NativeMm.Buffers;

namespace NativeMm.Slabs;

/// <summary>A pool over managed arrays whose idle memory can be given back.</summary>
internal interface ITrimmedPool
{
    /// <summary>Who uses it.</summary>
    string Name { get; }

    /// <summary>Counts everything.</summary>
    BufferPoolStatistics GetStatistics();

    /// <summary>Gives all idle memory back at once; gives the bytes.</summary>
    /// <exception cref="Diagnostics.MemoryFaultException">The checked mode found a write after a return.</exception>
    long Trim();
}
