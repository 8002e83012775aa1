namespace NativeMm.AddressSpaces;

/// <summary>What an <see cref="AddressSpace"/> is made with. docs/tuning.md says what each option does to speed and memory.</summary>
public sealed record AddressSpaceOptions
{
    /// <summary>Most areas that may be asked for.</summary>
    public const int AreasLimit = 1 << 24;

    /// <summary>Most permits of faults that may be asked for.</summary>
    public const int FaultPermitsLimit = 1024;

    /// <summary>Name in messages and listings. Default "space".</summary>
    public string Name { get; init; } = "space";

    /// <summary>How a fault looks at the layout. Default <see cref="FaultMode.Speculative"/>.</summary>
    public FaultMode FaultMode { get; init; }

    /// <summary>Most areas, 1 to 16,777,216 (Linux: <c>vm.max_map_count</c>). Default 65,530.</summary>
    public int AreasMax { get; init; } = 65_530;

    /// <summary>How far an area that grows down may reach, in bytes, 4096 to 2⁴⁶ (Linux: <c>RLIMIT_STACK</c>). Default 8 MiB.</summary>
    public long GrowthBytesMax { get; init; } = 8 << 20;

    /// <summary>
    /// Permits of faults, 0 to 1024: so many frames at most are held by faults in flight. 0, the default, takes twice the number of cores, at least
    /// 8. A fault that finds none takes the space's lock and waits for one.
    /// </summary>
    public int FaultPermits { get; init; }

    /// <summary>Most pages that may be pinned at a time, 1 to 2³¹ − 1. Default 65,536.</summary>
    public int PinnedPagesMax { get; init; } = 65_536;

    /// <summary>The permits in force.</summary>
    internal int FaultPermitsInForce => FaultPermits != 0 ? FaultPermits : int.Clamp(2 * Environment.ProcessorCount, 8, FaultPermitsLimit);

    /// <summary>Checks every option.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range; the message names it, its value and the range.</exception>
    /// <exception cref="ArgumentNullException"><see cref="Name"/> is null.</exception>
    public void Validate()
    {
        ArgumentNullException.ThrowIfNull(Name);
        Check(nameof(AreasMax), AreasMax, 1, AreasLimit);
        Check(nameof(GrowthBytesMax), GrowthBytesMax, 4096, 1L << 46);
        Check(nameof(FaultPermits), FaultPermits, 0, FaultPermitsLimit);
        Check(nameof(PinnedPagesMax), PinnedPagesMax, 1, int.MaxValue);
        if (!Enum.IsDefined(FaultMode))
        {
            throw new ArgumentOutOfRangeException(nameof(FaultMode), FaultMode, $"FaultMode is Speculative or Classic, not {FaultMode}.");
        }
    }

    private static void Check(string name, long value, long min, long max)
    {
        if (value < min || value > max)
        {
            throw new ArgumentOutOfRangeException(name, value, $"{name} is {min} to {max}, not {value}.");
        }
    }
}
