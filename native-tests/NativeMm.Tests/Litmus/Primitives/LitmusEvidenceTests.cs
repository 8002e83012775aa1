using Xunit;

namespace NativeMm.Tests.Litmus;

public sealed class LitmusEvidenceTests
{
    [Theory]
    [InlineData(1, 0, LitmusVerdict.Violation)]
    [InlineData(1, LitmusEvidence.MetMin, LitmusVerdict.Violation)]
    [InlineData(0, LitmusEvidence.MetMin, LitmusVerdict.Pass)]
    [InlineData(0, LitmusEvidence.MetMin - 1, LitmusVerdict.Inconclusive)]
    [InlineData(0, 1, LitmusVerdict.Inconclusive)]
    [InlineData(0, 0, LitmusVerdict.Inconclusive)]
    public void A_run_has_one_of_three_outcomes(long forbidden, long met, LitmusVerdict verdict) =>
        Assert.Equal(verdict, LitmusEvidence.Judge(forbidden, met));

    [Fact]
    public void Rounds_of_the_commonest_outcome_say_nothing()
    {
        Assert.Equal(0, new LitmusReport(0, 0, new Dictionary<(int, int), long>()).Met);
        var outcomes = new Dictionary<(int, int), long> { [(0, 0)] = 2467, [(0, 1)] = 1 };
        var report = new LitmusReport(2468, 0, outcomes);
        Assert.Equal((1, LitmusVerdict.Inconclusive), (report.Met, report.Verdict));
    }
}
