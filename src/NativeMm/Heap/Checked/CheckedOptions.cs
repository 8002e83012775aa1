using System.Globalization;
using NativeMm.Diagnostics;

namespace NativeMm.Heap.Checked;

/// <summary>
/// The checked mode of a heap: mistakes with memory are told apart and named at the price of time and space. See docs/checked-mode.md.
/// </summary>
public sealed record CheckedOptions
{
    /// <summary>Environment variable that switches the checked mode on: 1 or true; off: 0, false or empty.</summary>
    public const string EnabledVariable = "NATIVEMM_CHECKED";

    /// <summary>Environment variable that sets <see cref="StackSampleInterval"/>.</summary>
    public const string StacksVariable = "NATIVEMM_CHECKED_STACKS";

    private const int RedZoneBytesMax = 64 * 1024;

    private static CheckedOptions? s_ofProcess;

    private readonly bool? _enabled;
    private readonly int? _stackSampleInterval;

    /// <summary>Whether the mode is on. Where it is not set, <c>NATIVEMM_CHECKED</c> says; without that, false.</summary>
    /// <exception cref="FormatException">It is not set, and a variable has a value that is not understood.</exception>
    public bool Enabled
    {
        get => _enabled ?? OfProcess.Enabled;
        init => _enabled = value;
    }

    /// <summary>Guard bytes before and after each block, 1 to 65,536. Default 32.</summary>
    public int RedZoneBytes { get; init; } = 32;

    /// <summary>Bytes of freed blocks that are kept back and watched for late writes; 0 switches that off. Default 16 MiB.</summary>
    public long QuarantineBytesMax { get; init; } = 16L << 20;

    /// <summary>
    /// The call stack of one allocation in this many is recorded: 1 for each, 0 for none. Where it is not set, <c>NATIVEMM_CHECKED_STACKS</c> says;
    /// without that, 0.
    /// </summary>
    /// <exception cref="FormatException">It is not set, and a variable has a value that is not understood.</exception>
    public int StackSampleInterval
    {
        get => _stackSampleInterval ?? OfProcess.StackSampleInterval;
        init => _stackSampleInterval = value;
    }

    /// <summary>
    /// What happens with blocks that are still allocated when their heap is disposed, or when the process ends and it was not. Default
    /// <see cref="LeakPolicy.Report"/>.
    /// </summary>
    public LeakPolicy Leaks { get; init; } = LeakPolicy.Report;

    /// <summary>Receives the leak report instead of standard error. At the end of the process it has only the time that the process has.</summary>
    public Action<LeakReport>? LeakHandler { get; init; }

    /// <summary>
    /// The options that the environment asked for when they were first needed. Not read by the type's initializer: a value that is not
    /// understood must come as its own exception. Two first readers find the same, so it does not matter whose object stays.
    /// </summary>
    internal static CheckedOptions OfProcess => s_ofProcess ??= FromEnvironment();

    /// <summary>The options that the environment asks for, the rest at its defaults.</summary>
    /// <returns>New options, as the environment is at this moment.</returns>
    /// <exception cref="FormatException">A variable has a value that is not understood; the message names it.</exception>
    public static CheckedOptions FromEnvironment() => FromEnvironment(Environment.GetEnvironmentVariable);

    /// <summary>Throws when a value is out of its range.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The message names the option, its value and its range.</exception>
    /// <exception cref="FormatException">A variable that is to set an option has a value that is not understood.</exception>
    public void Validate()
    {
        _ = Enabled;
        if (RedZoneBytes is < 1 or > RedZoneBytesMax)
        {
            throw new ArgumentOutOfRangeException(nameof(RedZoneBytes), RedZoneBytes, $"The red zone is 1 to {RedZoneBytesMax} bytes.");
        }

        if (QuarantineBytesMax < 0)
        {
            throw new ArgumentOutOfRangeException(nameof(QuarantineBytesMax), QuarantineBytesMax, "The quarantine is 0 bytes (none) or more.");
        }

        if (StackSampleInterval < 0)
        {
            throw new ArgumentOutOfRangeException(nameof(StackSampleInterval), StackSampleInterval, "The interval is 0 (no stacks), 1 (every stack) or more.");
        }

        if (Leaks is not (LeakPolicy.Report or LeakPolicy.Throw or LeakPolicy.Ignore))
        {
            throw new ArgumentOutOfRangeException(nameof(Leaks), Leaks, "The leak policy is Report, Throw or Ignore.");
        }
    }

    internal static CheckedOptions FromEnvironment(Func<string, string?> variable) => new()
    {
        Enabled = EnvironmentSwitch.Parse(EnabledVariable, variable(EnabledVariable)),
        StackSampleInterval = ParseInterval(variable(StacksVariable)),
    };

    private static int ParseInterval(string? value)
    {
        if (string.IsNullOrWhiteSpace(value))
        {
            return 0;
        }

        return int.TryParse(value, NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out int interval)
            ? interval
            : throw new FormatException($"{StacksVariable} is '{value}'; it must be a number from 0 (no stacks) to {int.MaxValue}.");
    }
}
