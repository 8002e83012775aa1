namespace NativeMm.Tests.Litmus;

/// <summary>The outcomes of a run.</summary>
/// <param name="Rounds">Cells that both sides went through.</param>
/// <param name="Forbidden">Outcomes that may never be seen.</param>
/// <param name="Outcomes">How often each pair of sights (left, right) occurred.</param>
public sealed record LitmusReport(long Rounds, long Forbidden, IReadOnlyDictionary<(int Left, int Right), long> Outcomes)
{
    /// <summary>Different outcomes say that neither side always came first: they did meet.</summary>
    public LitmusVerdict Verdict =>
        Forbidden > 0 ? LitmusVerdict.Violation : Outcomes.Count > 1 ? LitmusVerdict.Pass : LitmusVerdict.Inconclusive;

    public override string ToString() =>
        $"{Verdict}: {Forbidden} forbidden of {Rounds}; {string.Join(", ", Outcomes.OrderBy(pair => pair.Key).Select(pair => $"{pair.Key} × {pair.Value}"))}";
}
