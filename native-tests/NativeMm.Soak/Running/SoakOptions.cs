using System.Globalization;
using NativeMm.Runtime;

namespace NativeMm.Soak.Running;

/// <summary>What the command line says.</summary>
internal sealed record SoakOptions
{
    public const string Usage =
        """
        soak [--seed N] [--seconds N] [--threads N] [--faults N] [--allocator lockfree|buddy] [--limit MIB] [--canary overwrite|lose]
          --seed       of everything that is chosen; printed at the start. Default: by the clock
          --seconds    how long. Default 60
          --threads    that work at a time, beside the scanner and the trimmer. Default 4
          --faults     platform calls refused in 1000. Default 20
          --allocator  of frames. Default lockfree
          --limit      of memory in MiB, of a control group that is entered every half minute for ten seconds, where that is possible; 0 for none. Default 1024
          --canary     overwrite | lose: one byte, or one block. Exit code 0 says that it was found
        fuzz --target NAME|all [--cases N] [--first N] [--seed N]
        """;

    public ulong Seed { get; init; } = (ulong)DateTime.UtcNow.Ticks % 1_000_000_000;

    public int Seconds { get; init; } = 60;

    public int Threads { get; init; } = 4;

    public int RefusedPerThousand { get; init; } = 20;

    public FrameAllocatorKind Allocator { get; init; } = FrameAllocatorKind.LockFree;

    /// <summary>Of the control group that is entered now and then; 0 for none.</summary>
    public int LimitMebibytes { get; init; } = 1024;

    /// <summary>What is done to the library on purpose; null for nothing.</summary>
    public string? Canary { get; init; }

    /// <summary>Reads pairs of a name and a value.</summary>
    /// <exception cref="FormatException">Something is not understood.</exception>
    public static SoakOptions Parse(ReadOnlySpan<string> arguments)
    {
        var options = new SoakOptions();
        for (int i = 0; i < arguments.Length; i += 2)
        {
            string value = i + 1 < arguments.Length ? arguments[i + 1] : throw new FormatException($"{arguments[i]} has no value.");
            options = arguments[i] switch
            {
                "--seed" => options with { Seed = ulong.Parse(value, CultureInfo.InvariantCulture) },
                "--seconds" => options with { Seconds = Number(arguments[i], value, 1, 1_000_000) },
                "--threads" => options with { Threads = Number(arguments[i], value, 1, 256) },
                "--faults" => options with { RefusedPerThousand = Number(arguments[i], value, 0, 1000) },
                "--allocator" => options with { Allocator = Kind(value) },
                "--limit" => options with { LimitMebibytes = Number(arguments[i], value, 0, 1 << 20) },
                "--canary" => options with { Canary = value is "overwrite" or "lose" ? value : throw new FormatException($"--canary is overwrite or lose, not {value}.") },
                _ => throw new FormatException($"{arguments[i]} is no option."),
            };
        }

        return options;
    }

    /// <summary>The command that does it all again.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"soak --seed {Seed} --seconds {Seconds} --threads {Threads} --faults {RefusedPerThousand} --allocator {(Allocator == FrameAllocatorKind.Buddy ? "buddy" : "lockfree")} --limit {LimitMebibytes}{(Canary is null ? "" : $" --canary {Canary}")}");

    private static int Number(string name, string value, int least, int most) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number >= least && number <= most
            ? number
            : throw new FormatException($"{name} is {least} to {most}, not {value}.");

    private static FrameAllocatorKind Kind(string value) => value switch
    {
        "lockfree" => FrameAllocatorKind.LockFree,
        "buddy" => FrameAllocatorKind.Buddy,
        _ => throw new FormatException($"--allocator is lockfree or buddy, not {value}."),
    };
}
