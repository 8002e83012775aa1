namespace NativeMm.Tests.Litmus;

/// <summary>The outcomes of a run.</summary>
/// <param name="Rounds">Cells that both sides went through.</param>
/// <param name="Forbidden">Outcomes that may never be seen.</param>
/// <param name="Outcomes">How often each pair of sights (left, right) occurred.</param>
public sealed record LitmusReport(long Rounds, long Forbidden, IReadOnlyDictionary<(int Left, int Right), long> Outcomes)
{
    /// <summary>Rounds with another outcome than the commonest: neither side always came first.</summary>
    public long Met => Rounds - (Outcomes.Count == 0 ? 0 : Outcomes.Values.Max());

    /// <summary>What the run showed.</summary>
    public LitmusVerdict Verdict => LitmusEvidence.Judge(Forbidden, Met);

    public override string ToString() =>
        $"{Verdict}: {Forbidden} forbidden of {Rounds}; {string.Join(", ", Outcomes.OrderBy(pair => pair.Key).Select(pair => $"{pair.Key} × {pair.Value}"))}";
}
