namespace NativeMm.Lab.Experiments;

/// <summary>What an experiment contributes to the quick tour.</summary>
/// <param name="Cases">The cases; those of missing variants are left out by the tour.</param>
/// <param name="LaunchesMax">Launches of each case, when the time suffices.</param>
internal sealed record TourPart(IReadOnlyList<Case> Cases, int LaunchesMax);
