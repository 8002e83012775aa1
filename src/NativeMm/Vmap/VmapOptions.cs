using NativeMm.Primitives;
using NativeMm.Reporting;

namespace NativeMm.Vmap;

/// <summary>What a <see cref="VmapAllocator"/> is made with.</summary>
public sealed record VmapOptions
{
    /// <summary>Smallest capacity and smallest window: 4 MiB.</summary>
    public const ulong BytesMin = 4UL << 20;

    /// <summary>Largest capacity and largest window: 8 TiB.</summary>
    public const ulong BytesMax = 8UL << 40;

    // How much more may wait than pulls the trigger, where only one of the two is set.
    private const int BoundByTrigger = 4;
    private const int MappingsLeast = 16;
    private const int MappingsMost = 1 << 30;

    /// <summary>
    /// Bytes of the zone that the frames come from; an upper limit, committed as it is used. 0, the default, takes the limit of the container,
    /// or the machine's memory. Rounded up to 2 MiB.
    /// </summary>
    public ulong CapacityBytes { get; init; }

    /// <summary>Bytes of address space that ranges are cut from, rounded up to 2 MiB. 0, the default, takes four times the capacity.</summary>
    public ulong WindowBytes { get; init; }

    /// <summary>When freed ranges are unmapped and by whom.</summary>
    public LazyPurgePolicy Purge { get; init; } = new();

    /// <summary>
    /// Bytes of freed ranges that may wait for a purge at any moment: a bound that always holds. Whoever frees is slowed down before it and purges
    /// by himself at it. More than <see cref="LazyPurgePolicy.LazyPagesMax"/>, if that is set too. 0, the default, takes four times the pages that pull
    /// the trigger.
    /// </summary>
    public ulong LazyBytesMax { get; init; }

    /// <summary>Bytes of freed ranges that each core keeps mapped for reuse, 0 for none. Default 32 MiB.</summary>
    public ulong PooledBytesMaxPerCore { get; init; } = 32UL << 20;

    /// <summary>
    /// What free frames go back to the operating system, when and how fast. Null, the default, takes that of the runtime; for an allocator of one's
    /// own, the defaults. In a runtime all passes are made at the runtime's <see cref="PageReporterOptions.PassInterval"/>.
    /// </summary>
    public PageReporterOptions? Reporting { get; init; }

    /// <summary>
    /// Mappings that the allocator may use. 0, the default, takes three quarters of <c>vm.max_map_count</c>: the rest of the process needs
    /// some too.
    /// </summary>
    public int MappingsMax { get; init; }

    /// <summary>Whether the lock of the free space measures its waits and holds, at two clock readings an acquisition. Default false.</summary>
    public bool LockStatistics { get; init; }

    /// <summary>Checks every value.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A value is out of its range; the message names it, its value and the range.</exception>
    /// <exception cref="ArgumentNullException"><see cref="Purge"/> is null.</exception>
    public void Validate()
    {
        RequireBytes(CapacityBytes, nameof(CapacityBytes), BytesMin);
        RequireBytes(WindowBytes, nameof(WindowBytes), BytesMin);
        RequireBytes(LazyBytesMax, nameof(LazyBytesMax), 4096);
        if (PooledBytesMaxPerCore > BytesMax)
        {
            throw new ArgumentOutOfRangeException(
                nameof(PooledBytesMaxPerCore), PooledBytesMaxPerCore, $"PooledBytesMaxPerCore is 0 to {BytesMax}, not {PooledBytesMaxPerCore}.");
        }

        if (MappingsMax is not 0 and (< MappingsLeast or > MappingsMost))
        {
            throw new ArgumentOutOfRangeException(
                nameof(MappingsMax), MappingsMax, $"MappingsMax is 0 (automatic) or {MappingsLeast} to {MappingsMost}, not {MappingsMax}.");
        }

        ArgumentNullException.ThrowIfNull(Purge);
        Purge.Validate();
        Reporting?.Validate();
        if (LazyBytesMax != 0 && Purge.LazyPagesMax >= LazyBytesMax >> Pfn.FrameShift)
        {
            throw new ArgumentOutOfRangeException(
                nameof(LazyBytesMax),
                LazyBytesMax,
                $"LazyBytesMax is 0 (automatic) or more than {(ulong)Purge.LazyPagesMax << Pfn.FrameShift}, the bytes of Purge.LazyPagesMax = "
                + $"{Purge.LazyPagesMax} pages, not {LazyBytesMax}: the trigger would never be pulled.");
        }
    }

    /// <summary>The pages that pull the trigger, and the pages that may wait at any moment, with the automatic values worked out.</summary>
    /// <param name="processors">1 or more.</param>
    internal (long Trigger, long Bound) LazyPages(int processors)
    {
        long bound = (long)(LazyBytesMax >> Pfn.FrameShift);
        long trigger = Purge.LazyPagesMax;
        if (trigger == 0)
        {
            trigger = LazyPurgePolicy.DefaultLazyPagesMax(processors);
            trigger = bound == 0 ? trigger : long.Min(trigger, long.Max(1, bound / BoundByTrigger));
        }

        return (trigger, bound != 0 ? bound : BoundByTrigger * trigger);
    }

    private static void RequireBytes(ulong value, string name, ulong min)
    {
        if (value != 0 && (value < min || value > BytesMax))
        {
            throw new ArgumentOutOfRangeException(name, value, $"{name} is 0 (automatic) or {min} to {BytesMax}, not {value}.");
        }
    }
}
