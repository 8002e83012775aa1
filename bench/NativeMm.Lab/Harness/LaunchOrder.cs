using NativeMm.Lab.Experiments;

namespace NativeMm.Lab.Harness;

/// <summary>
/// In which order children are launched. What will be compared is launched in turn, so that a machine that slows down for a minute slows
/// down everybody.
/// </summary>
internal static class LaunchOrder
{
    /// <summary>Finishes one set of parameters after the other; within a set, thread counts and variants take turns.</summary>
    /// <param name="cases">The cases.</param>
    /// <param name="repeat">Launches of each; null for as many as its experiment wants.</param>
    public static IEnumerable<Case> Interleaved(IEnumerable<Case> cases, int? repeat) =>
        cases.GroupBy(c => (c.Experiment, c.Parameters)).SelectMany(
            group => Enumerable.Repeat(group, repeat ?? ExperimentRegistry.Get(group.Key.Experiment).Launches).SelectMany(round => round));

    /// <summary>
    /// Every case once, then every case again, and so on: whoever stops early has launched every case about equally often. Within a round the experiments
    /// take turns, so that the first does not use the time of the last.
    /// </summary>
    /// <param name="parts">Cases with the number of launches each of them gets at most.</param>
    public static IEnumerable<Case> Rounds(IReadOnlyList<(Case Case, int Launches)> parts)
    {
        int rounds = parts.Count == 0 ? 0 : parts.Max(p => p.Launches);
        return Enumerable.Range(0, rounds).SelectMany(round => InTurn([.. parts.Where(p => p.Launches > round).Select(p => p.Case)]));
    }

    /// <summary>A group of each experiment, then the next group of each. A group is what will be compared: all cases with the same parameters.</summary>
    private static IEnumerable<Case> InTurn(IReadOnlyList<Case> cases) =>
        from experiment in cases.GroupBy(c => c.Experiment)
        from place in experiment.GroupBy(c => c.Parameters).Select((compared, index) => (compared, index))
        group place.compared by place.index into turn
        orderby turn.Key
        from one in turn
        from launched in one
        select launched;
}
