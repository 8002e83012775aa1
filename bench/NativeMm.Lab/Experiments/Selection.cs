namespace NativeMm.Lab.Experiments;

/// <summary>What the user wants of an experiment, after all names and values have been checked.</summary>
/// <param name="Variants">The variants to measure.</param>
/// <param name="Threads">Thread counts that were asked for; null when the experiment may choose.</param>
/// <param name="Values">For every parameter of the experiment the values to measure.</param>
/// <param name="Explicit">The parameters that the user has set himself.</param>
internal sealed record Selection(
    IReadOnlyList<Variant> Variants,
    IReadOnlyList<int>? Threads,
    IReadOnlyDictionary<string, IReadOnlyList<string>> Values,
    IReadOnlySet<string> Explicit);
