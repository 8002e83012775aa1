namespace NativeMm.Lab.Experiments;

/// <summary>One cell of an experiment: what is measured by one launch of a child process, and repeated.</summary>
/// <param name="Experiment">Name of the experiment.</param>
/// <param name="Variant">Name of the variant.</param>
/// <param name="Threads">Number of threads; 0 where the experiment gives that a meaning.</param>
/// <param name="Parameters">The rest.</param>
internal sealed record Case(string Experiment, string Variant, int Threads, ParameterValues Parameters)
{
    /// <summary>A text such as <c>heap pattern=pair size=64, 2 threads, mimalloc</c>.</summary>
    public override string ToString()
    {
        string parameters = Parameters.Pairs.Count == 0 ? string.Empty : $" {Parameters}";
        return $"{Experiment}{parameters}, {ThreadsText(Threads)}, {Variant}";
    }

    /// <summary>How reports call a number of threads.</summary>
    public static string ThreadsText(int threads) => threads switch
    {
        0 => "threads as recorded",
        1 => "1 thread",
        _ => $"{threads} threads",
    };
}
