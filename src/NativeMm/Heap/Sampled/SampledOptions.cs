using System.Globalization;
using NativeMm.Diagnostics;

namespace NativeMm.Heap.Sampled;

/// <summary>
/// Sampled guards: now and then an allocation gets a page of its own between forbidden ones, so that an overrun, a use after free or a double free
/// of it stops the process and is named. Cheap enough for production. See docs/checked-mode.md.
/// </summary>
public sealed record SampledOptions
{
    /// <summary>Environment variable that switches the guards on: 1 or true; off: 0, false or empty.</summary>
    public const string EnabledVariable = "NATIVEMM_SAMPLED";

    /// <summary>Environment variable that sets <see cref="Interval"/>.</summary>
    public const string IntervalVariable = "NATIVEMM_SAMPLED_INTERVAL";

    private const int IntervalDefault = 5000;

    private static SampledOptions? s_ofProcess;

    private readonly bool? _enabled;
    private readonly int? _interval;

    /// <summary>
    /// Whether the guards are on. Where it is not set, <c>NATIVEMM_SAMPLED</c> says; without that, false. A heap in checked mode has none: there,
    /// every allocation is checked.
    /// </summary>
    /// <exception cref="FormatException">It is not set, and a variable has a value that is not understood.</exception>
    public bool Enabled
    {
        get => _enabled ?? OfProcess.Enabled;
        init => _enabled = value;
    }

    /// <summary>
    /// One allocation in this many is guarded, on average: 1 to 2,147,483,647. Where it is not set, <c>NATIVEMM_SAMPLED_INTERVAL</c> says; without
    /// that, 5000. The heap looks only when a thread's cache is refilled.
    /// </summary>
    /// <exception cref="FormatException">It is not set, and a variable has a value that is not understood.</exception>
    public int Interval
    {
        get => _interval ?? OfProcess.Interval;
        init => _interval = value;
    }

    /// <summary>
    /// Most time that guarding may take, in percent of one thread's, 1 to 100. Default 1. What would take more is not guarded. 100 is no bound.
    /// </summary>
    public int TimePercentMax { get; init; } = 1;

    /// <summary>The options that the environment asked for when they were first needed.</summary>
    internal static SampledOptions OfProcess => s_ofProcess ??= FromEnvironment();

    /// <summary>The options that the environment asks for, the rest at its defaults.</summary>
    /// <returns>New options, as the environment is at this moment.</returns>
    /// <exception cref="FormatException">A variable has a value that is not understood; the message names it.</exception>
    public static SampledOptions FromEnvironment() => FromEnvironment(Environment.GetEnvironmentVariable);

    /// <summary>Throws when a value is out of its range.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The message names the option, its value and its range.</exception>
    /// <exception cref="FormatException">A variable that is to set an option has a value that is not understood.</exception>
    public void Validate()
    {
        _ = Enabled;
        if (Interval < 1)
        {
            throw new ArgumentOutOfRangeException(nameof(Interval), Interval, $"The interval is 1 to {int.MaxValue} allocations.");
        }

        if (TimePercentMax is < 1 or > 100)
        {
            throw new ArgumentOutOfRangeException(nameof(TimePercentMax), TimePercentMax, "The time is 1 to 100 percent.");
        }
    }

    internal static SampledOptions FromEnvironment(Func<string, string?> variable) => new()
    {
        Enabled = EnvironmentSwitch.Parse(EnabledVariable, variable(EnabledVariable)),
        Interval = ParseInterval(variable(IntervalVariable)),
    };

    private static int ParseInterval(string? value)
    {
        if (string.IsNullOrWhiteSpace(value))
        {
            return IntervalDefault;
        }

        const NumberStyles Styles = NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite;
        return int.TryParse(value, Styles, CultureInfo.InvariantCulture, out int interval) && interval > 0
            ? interval
            : throw new FormatException($"{IntervalVariable} is '{value}'; it must be a number from 1 to {int.MaxValue}.");
    }
}
