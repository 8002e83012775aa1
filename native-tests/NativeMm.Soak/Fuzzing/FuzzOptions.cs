using System.Globalization;

namespace NativeMm.Soak.Fuzzing;

/// <summary>What the command line says.</summary>
internal sealed record FuzzOptions
{
    /// <summary>A target, or all.</summary>
    public string Target { get; init; } = "all";

    /// <summary>Cases for each target.</summary>
    public long Cases { get; init; } = 20_000;

    /// <summary>Number of the first case. Above 0 only for targets whose cases do not need those before.</summary>
    public long First { get; init; }

    /// <summary>Of everything that is chosen.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Reads pairs of a name and a value.</summary>
    /// <exception cref="FormatException">Something is not understood.</exception>
    public static FuzzOptions Parse(ReadOnlySpan<string> arguments)
    {
        var options = new FuzzOptions();
        for (int i = 0; i < arguments.Length; i += 2)
        {
            string value = i + 1 < arguments.Length ? arguments[i + 1] : throw new FormatException($"{arguments[i]} has no value.");
            options = arguments[i] switch
            {
                "--target" => options with { Target = value },
                "--cases" => options with { Cases = long.Parse(value, CultureInfo.InvariantCulture) },
                "--first" => options with { First = long.Parse(value, CultureInfo.InvariantCulture) },
                "--seed" => options with { Seed = ulong.Parse(value, CultureInfo.InvariantCulture) },
                _ => throw new FormatException($"{arguments[i]} is no option."),
            };
        }

        if (options.First < 0 || (options.First != 0 && !FuzzRun.Targets.Any(target => target.Name == options.Target && !target.HasState)))
        {
            string targets = string.Join(", ", FuzzRun.Targets.Where(target => !target.HasState).Select(target => target.Name));
            throw new FormatException($"--first {options.First} goes with one of {targets}, and is 0 or more.");
        }

        return options.Target == "all" || FuzzRun.Targets.Any(target => target.Name == options.Target)
            ? options
            : throw new FormatException($"--target is all, {string.Join(", ", FuzzRun.Targets.Select(target => target.Name))}, not {options.Target}.");
    }
}
