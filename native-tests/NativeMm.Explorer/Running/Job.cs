using System.Globalization;
using NativeMm.Explorer.Cases;
using NativeMm.Explorer.Machine;

namespace NativeMm.Explorer.Running;

/// <summary>One search, or the repetition of one execution.</summary>
internal sealed record Job(Case Case, BadCopy Copy, Bounds Bounds, string Seed = "")
{
    /// <summary>Reads what <see cref="ToString"/> writes.</summary>
    public static Job Parse(string line)
    {
        string[] parts = line.Split('\t');
        int[] numbers = [.. parts[2..4].Select(part => int.Parse(part, CultureInfo.InvariantCulture))];
        var bounds = new Bounds(numbers[0], numbers[1], long.Parse(parts[4], CultureInfo.InvariantCulture)) { IsWhole = bool.Parse(parts[5]), IsReduced = bool.Parse(parts[6]) };
        return new Job(CaseList.Find(parts[0]), BadCopy.Parse(parts[1]), bounds, parts[7]);
    }

    /// <inheritdoc/>
    public override string ToString() => FormattableString.Invariant(
        $"{Case.Name}\t{Copy}\t{Bounds.Preemptions}\t{Bounds.StaleReads}\t{Bounds.ExecutionsMax}\t{Bounds.IsWhole}\t{Bounds.IsReduced}\t{Seed}");
}
