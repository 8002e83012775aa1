using System.Globalization;

namespace NativeMm.Explorer.Running;

/// <summary>What the command line asks for.</summary>
/// <param name="IsDeep">Wider bounds, for hours.</param>
/// <param name="IsWhole">Run the executions too that others stand for.</param>
/// <param name="IsReduced">Leave executions out that others stand for in every case, to compare what is found.</param>
/// <param name="Preemptions">In place of each case's own bound, or -1.</param>
/// <param name="Case">One case alone, or some with commas between them, or empty.</param>
/// <param name="Copy">With one case: a weakened copy of the library in place of the library.</param>
/// <param name="Seed">With one case: repeat an execution and print it.</param>
/// <param name="IsLabels">Weaken each label that the cases come by, and list those that none of them needs.</param>
/// <param name="IsCount">Count the writes of the fast paths, and nothing else.</param>
/// <param name="Table">A file for the table, or empty.</param>
internal sealed record Arguments(bool IsDeep, bool IsWhole, bool IsReduced, int Preemptions, string Case, BadCopy Copy, string Seed, bool IsLabels, bool IsCount, string Table)
{
    public const string Usage = "usage: [--deep] [--whole|--reduced] [--preemptions N] [--labels] [--count] [--table FILE] [--case NAME[,NAME] [--bad LABEL:Relaxed|Dropped|Split] [--replay SEED]]";

    private const int PreemptionsMax = 10;

    public static Arguments Parse(string[] args)
    {
        Dictionary<string, string> values = new() { ["--case"] = "", ["--bad"] = "", ["--replay"] = "", ["--table"] = "", ["--preemptions"] = "-1" };
        HashSet<string> switches = [];
        for (int i = 0; i < args.Length; i++)
        {
            if (args[i] is "--deep" or "--whole" or "--reduced" or "--labels" or "--count")
            {
                switches.Add(args[i]);
            }
            else if (values.ContainsKey(args[i]) && i + 1 < args.Length)
            {
                values[args[i]] = args[++i];
            }
            else
            {
                throw new ArgumentException($"{args[i]} is not known; {Usage}");
            }
        }

        return new Arguments(
            switches.Contains("--deep"),
            switches.Contains("--whole"),
            switches.Contains("--reduced"),
            ParsePreemptions(values["--preemptions"]),
            values["--case"],
            BadCopy.Parse(values["--bad"]),
            values["--replay"],
            switches.Contains("--labels"),
            switches.Contains("--count"),
            values["--table"]);
    }

    private static int ParsePreemptions(string text) =>
        int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number) && number is >= -1 and <= PreemptionsMax
            ? number
            : throw new ArgumentException($"--preemptions is 0 to {PreemptionsMax}, not {text}; {Usage}");
}
