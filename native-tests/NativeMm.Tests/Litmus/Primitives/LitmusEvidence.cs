namespace NativeMm.Tests.Litmus;

/// <summary>Turns what a run counted into one of three outcomes.</summary>
internal static class LitmusEvidence
{
    /// <summary>
    /// Rounds in which the sides met that it takes to say that nothing was to be seen. A control fails within a few hundred of them where both sides
    /// have a core of their own; sides that take turns on a busy machine meet now and then, at the end of a time slice.
    /// </summary>
    public const long MetMin = 20_000;

    /// <summary>The outcome of a run.</summary>
    /// <param name="forbidden">Rounds in which something forbidden was seen.</param>
    /// <param name="met">Rounds that show that neither side always came first.</param>
    public static LitmusVerdict Judge(long forbidden, long met) =>
        forbidden > 0 ? LitmusVerdict.Violation : met >= MetMin ? LitmusVerdict.Pass : LitmusVerdict.Inconclusive;
}
