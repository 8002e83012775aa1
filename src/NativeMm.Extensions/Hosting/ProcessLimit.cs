using NativeMm.Platform;

namespace NativeMm.Extensions;

/// <summary>What the process may take, and what it takes.</summary>
/// <param name="bytes">The limit.</param>
internal sealed class ProcessLimit(long bytes)
{
    /// <summary>The limit of the container, or the machine's memory.</summary>
    public static ProcessLimit OfSystem() => new((long)MemoryShares.ReadLimit(SystemFiles.Real));

    /// <summary>The limit.</summary>
    public long Bytes => bytes;

    /// <summary>Resident bytes of the process.</summary>
    public Func<long> ReadResident { get; init; } = static () =>
        ProcessMemory.ReadResident(out ulong resident).Succeeded ? (long)resident : Environment.WorkingSet;
}
