using NativeMm.Explorer.Machine;

namespace NativeMm.Explorer.Running;

/// <summary>What was found, for people and for the documentation.</summary>
internal sealed class SummaryTable(IReadOnlyList<Case> cases, IReadOnlyDictionary<(string Case, BadCopy Copy), Outcome> outcomes, Func<Case, Bounds> boundsOf)
{
    // Made once: preparing a case takes memory that it keeps.
    private readonly Lazy<string[]> _rows = new(() => [.. Rows(cases, outcomes, boundsOf)]);

    /// <summary>Prints all, and the trace of each finding.</summary>
    /// <returns>Whether every case holds, is complete where it must be, and finds its bad copies.</returns>
    public bool Print(bool isLabels)
    {
        Console.WriteLine();
        foreach (string line in _rows.Value)
        {
            Console.WriteLine(line);
        }

        bool isGood = true;
        foreach (((string name, BadCopy copy), Outcome outcome) in outcomes.Where(pair => pair.Key.Copy == BadCopy.None && pair.Value.Failure is not null))
        {
            isGood = false;
            Console.WriteLine($"\n{name} fails: {outcome.Failure}\nto repeat it: --case {name} --replay {outcome.Seed}");
            PrintTrace(outcome);
        }

        foreach (Case one in cases)
        {
            foreach (BadCopy copy in one.BadCopies.Where(copy => outcomes.TryGetValue((one.Name, copy), out Outcome? found) && !found.IsFinding))
            {
                isGood = false;
                Console.WriteLine($"{one.Name} does not find the bad copy {copy}: {outcomes[(one.Name, copy)].Failure ?? "it holds"}");
            }

            if (outcomes.TryGetValue((one.Name, BadCopy.None), out Outcome? outcome) && outcome is { IsComplete: false, Failure: null })
            {
                isGood = false;
                Console.WriteLine($"{one.Name} was not searched to the end: {outcome.Executions:N0} executions");
            }
        }

        if (isLabels)
        {
            Console.WriteLine();
            Console.WriteLine("labels that no case needs: " + string.Join(", ", Labels(isNeeded: false).DefaultIfEmpty("none")));
        }

        return isGood;
    }

    /// <summary>
    /// Says which rows of a document are of another search than this one. The figures follow from the code and the bounds, and may be others where the
    /// number of processors or the build is another, so it is a hint and no failure.
    /// </summary>
    /// <param name="document">The text of docs/proof.md.</param>
    public void PrintStale(string document)
    {
        HashSet<string> there = [.. document.Split('\n').Select(line => line.TrimEnd())];
        foreach (string row in _rows.Value.Where(row => !there.Contains(row)))
        {
            Console.WriteLine($"docs/proof.md has another row: {row}");
        }
    }

    /// <summary>Writes the table as part of a document.</summary>
    public void Write(string file) => File.WriteAllLines(file, _rows.Value);

    /// <summary>Prints a failed execution.</summary>
    public static void PrintTrace(Outcome outcome)
    {
        foreach (string line in outcome.Trace)
        {
            Console.WriteLine("  " + line);
        }
    }

    private static IEnumerable<string> Rows(IReadOnlyList<Case> cases, IReadOnlyDictionary<(string Case, BadCopy Copy), Outcome> outcomes, Func<Case, Bounds> boundsOf)
    {
        yield return "| case | claim | threads | preemptions, stale reads | executions | | bad copies found |";
        yield return "|---|---|---|---|---|---|---|";
        foreach (Case one in cases)
        {
            if (!outcomes.TryGetValue((one.Name, BadCopy.None), out Outcome? outcome))
            {
                continue;
            }

            var plan = new Plan();
            one.Prepare(plan);
            int found = one.BadCopies.Count(copy => outcomes.TryGetValue((one.Name, copy), out Outcome? bad) && bad.IsFinding);
            string state = outcome.Failure is not null ? "FAILS" : outcome.IsComplete ? "complete" : "bounded";
            yield return FormattableString.Invariant(
                $"| {one.Name.Replace("Case", "", StringComparison.Ordinal)} | {one.Claim} | {plan.Threads.Count} | {boundsOf(one).Preemptions}, {boundsOf(one).StaleReads} | {outcome.Executions:N0} | {state} | {found} of {one.BadCopies.Count} |");
        }
    }

    private IEnumerable<string> Labels(bool isNeeded) =>
        outcomes.Where(pair => pair.Key.Copy.Kind != Weakening.None)
            .GroupBy(pair => pair.Key.Copy.Label)
            .Where(group => group.Any(pair => pair.Value.IsFinding) == isNeeded)
            .Select(group => group.Key)
            .Order(StringComparer.Ordinal);
}
