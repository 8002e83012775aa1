using System.Diagnostics;
using System.Globalization;
using NativeMm.Soak.Shadow;

namespace NativeMm.Soak.Fuzzing;

/// <summary>
/// Gives the targets damaged input. It knows the structure of what it damages and not the coverage of what it reaches; cases follow from the seed, and
/// targets with a state of their own need all cases before.
/// </summary>
internal sealed class FuzzRun(FuzzOptions options, TextWriter output)
{
    private static readonly TimeSpan s_progressInterval = TimeSpan.FromSeconds(10);

    /// <summary>Every target.</summary>
    public static IReadOnlyList<(string Name, bool HasState, Func<IFuzzTarget> Make)> Targets { get; } =
    [
        ("trace", false, () => new TraceTarget()),
        ("result", false, () => new ResultTarget()),
        ("system", false, () => new SystemTextTarget()),
        ("codec", false, () => new CodecTarget()),
        ("pages", true, () => new PageStoreTarget()),
        ("handles", true, () => new HandleTarget()),
        ("pointers", true, () => new PointerTarget()),
    ];

    /// <summary>Runs to the end.</summary>
    /// <returns>0, or 1 when something was found.</returns>
    public int Run() => Targets.Where(target => options.Target == "all" || options.Target == target.Name).All(target => IsClean(target.Make)) ? 0 : 1;

    private bool IsClean(Func<IFuzzTarget> make)
    {
        using IFuzzTarget target = make();
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"fuzz --target {target.Name} --first {options.First} --cases {options.Cases} --seed {options.Seed}"));
        var clock = Stopwatch.StartNew();
        TimeSpan next = s_progressInterval;
        for (long number = options.First; number < options.First + options.Cases; number++)
        {
            try
            {
                target.Run(new Chance(Chance.Mix(options.Seed) ^ Chance.Mix((ulong)number + 1)));
            }
#pragma warning disable CA1031 // Whatever comes is a finding.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"FOUND in {target.Name}, case {number} of seed {options.Seed}: {exception}"));
                return false;
            }

            if ((number & 1023) == 0 && clock.Elapsed > next)
            {
                next += s_progressInterval;
                output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{clock.Elapsed.TotalSeconds,6:f0} s  {number - options.First} cases, resident {Environment.WorkingSet >> 20} MiB"));
            }
        }

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"clean: {options.Cases} cases of {target.Name} in {clock.Elapsed.TotalSeconds:f1} s"));
        return true;
    }
}
