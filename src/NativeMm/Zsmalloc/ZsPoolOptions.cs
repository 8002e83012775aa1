namespace NativeMm.Zsmalloc;

/// <summary>What a <see cref="ZsPool"/> is made with. docs/tuning.md says what each option does to speed and memory.</summary>
public sealed record ZsPoolOptions
{
    /// <summary>Fewest frames that the longest chain may have.</summary>
    public const int ChainFramesMin = 4;

    /// <summary>Most frames that the longest chain may have.</summary>
    public const int ChainFramesLimit = 16;

    /// <summary>Most stripes.</summary>
    public const int StripesLimit = 64;

    /// <summary>Name in messages and listings. Default "zspool".</summary>
    public string Name { get; init; } = "zspool";

    /// <summary>Most frames that one zspage is chained of, 4 to 16. Default 8.</summary>
    public int ChainFramesMax { get; init; } = 8;

    /// <summary>How the pool is locked. Default <see cref="ZsLockMode.PerClass"/>.</summary>
    public ZsLockMode LockMode { get; init; }

    /// <summary>
    /// Independent sets of zspages for each class, so that cores which use one class do not meet: 1 to 64, rounded up to a power of two.
    /// 0, the default, takes one for each core, at most 16. Only <see cref="ZsLockMode.PerClass"/> has more than one.
    /// </summary>
    public int Stripes { get; init; }

    /// <summary>Most threads that compact at the same time, 1 to 1024. 0, the default, takes one for each core.</summary>
    public int MaxCompactors { get; init; }

    /// <summary>Whether a class is compacted by itself, on a background thread, when its waste passes the threshold. Default true.</summary>
    public bool AutoCompact { get; init; } = true;

    /// <summary>The share of a class's frames that compaction could free before it begins by itself, in percent, 1 to 100. Default 25.</summary>
    public int CompactThresholdPercent { get; init; } = 25;

    /// <summary>Whether every lock of the pool records what <c>/proc/lock_stat</c> shows. Default false: then it costs nothing.</summary>
    public bool LockStatistics { get; init; }

    /// <summary>Checks every option.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range; the message names it, its value and the range.</exception>
    /// <exception cref="ArgumentNullException"><see cref="Name"/> is null.</exception>
    public void Validate()
    {
        ArgumentNullException.ThrowIfNull(Name);
        Check(nameof(ChainFramesMax), ChainFramesMax, ChainFramesMin, ChainFramesLimit);
        Check(nameof(Stripes), Stripes, 0, StripesLimit);
        Check(nameof(MaxCompactors), MaxCompactors, 0, 1024);
        Check(nameof(CompactThresholdPercent), CompactThresholdPercent, 1, 100);
        if (!Enum.IsDefined(LockMode))
        {
            throw new ArgumentOutOfRangeException(nameof(LockMode), LockMode, $"LockMode is PerClass, Pool or PoolSingleCompactor, not {LockMode}.");
        }
    }

    private static void Check(string name, int value, int min, int max)
    {
        if (value < min || value > max)
        {
            throw new ArgumentOutOfRangeException(name, value, $"{name} is {min} to {max}, not {value}.");
        }
    }
}
