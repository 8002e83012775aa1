using NativeMm.Platform;

namespace NativeMm.Teardown;

/// <summary>How much memory is given back at once. docs/tuning.md says what each option does to speed and memory.</summary>
public sealed record TeardownOptions
{
    /// <summary>Most threads that may be asked for.</summary>
    public const int ActiveLimit = 32;

    // Above that, more threads do nothing but meet at the same locks, in this library as in the kernel.
    private const int AutomaticActiveMax = 8;

    /// <summary>
    /// Most threads that release memory at a time, 1 to 32. 0, the default, takes the processors that the process may use, by its control groups' quota of processor
    /// time, too, rounded up and at most 8. Of a release that its caller waits for he is one of them. With 1 only those who do not wait have a thread.
    /// </summary>
    public int MaxActive { get; init; }

    /// <summary>How work above the floor is shared out. Default <see cref="TeardownStrategy.RangeSplit"/>.</summary>
    public TeardownStrategy Strategy { get; init; } = TeardownStrategy.RangeSplit;

    /// <summary>With <see cref="TeardownStrategy.Batches"/>, so many gathered frames go to a worker: 1 to 2³¹ − 1. Default 262,144, 1 GiB.</summary>
    public int BatchThresholdFrames { get; init; } = 262_144;

    /// <summary>Releases of so many bytes and fewer are made by the caller alone: 0 and more. Default 64 MiB.</summary>
    public long InlineFloorBytes { get; init; } = 64L << 20;

    /// <summary>One more thread must bring so much of the speed before it, or it goes again: 0 to 1. Default 0.15.</summary>
    public double MinimumGain { get; init; } = 0.15;

    /// <summary>
    /// How long a call of the system may hold up others who change the process's mappings, where it does: 1 ms to 1 s. A release stops for a cancellation between two
    /// steps. Default 2 ms.
    /// </summary>
    public TimeSpan StepTime { get; init; } = TimeSpan.FromMilliseconds(2);

    /// <summary>The threads in force. The first call in a process may read files.</summary>
    internal int ActiveInForce => MaxActive != 0 ? MaxActive : Math.Min(CpuShare.Cores, AutomaticActiveMax);

    /// <summary>Checks every option.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range; the message names it, its value and the range.</exception>
    public void Validate()
    {
        Check(nameof(MaxActive), MaxActive, MaxActive is >= 0 and <= ActiveLimit, $"0 (automatic) or 1 to {ActiveLimit}");
        Check(nameof(Strategy), Strategy, Strategy is TeardownStrategy.Inline or TeardownStrategy.Batches or TeardownStrategy.RangeSplit, "Inline, Batches or RangeSplit");
        Check(nameof(BatchThresholdFrames), BatchThresholdFrames, BatchThresholdFrames >= 1, $"1 to {int.MaxValue}");
        Check(nameof(InlineFloorBytes), InlineFloorBytes, InlineFloorBytes >= 0, "0 and more");
        Check(nameof(MinimumGain), MinimumGain, MinimumGain is >= 0 and <= 1, "0 to 1");
        Check(nameof(StepTime), StepTime, StepTime >= TimeSpan.FromMilliseconds(1) && StepTime <= TimeSpan.FromSeconds(1), "1 ms to 1 s");
    }

    private static void Check(string name, object value, bool isGood, string range)
    {
        if (!isGood)
        {
            throw new ArgumentOutOfRangeException(name, value, FormattableString.Invariant($"{name} is {range}, not {value}."));
        }
    }
}
