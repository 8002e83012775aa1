namespace NativeMm.Lab.Experiments;

/// <summary>One of the things that an experiment compares.</summary>
/// <param name="name">What the command line calls it.</param>
/// <param name="summary">What it is, in a few words.</param>
internal sealed class Variant(string name, string summary)
{
    /// <summary>What the command line calls it.</summary>
    public string Name { get; } = name;

    /// <summary>What it is, in a few words.</summary>
    public string Summary { get; } = summary;

    /// <summary>Whether it is NativeMm's own.</summary>
    public bool IsOurs { get; init; }

    /// <summary>Whether it shows what is possible without .NET, rather than what a .NET program could use instead.</summary>
    public bool IsYardstick { get; init; }

    /// <summary>Environment of the child processes that measure it.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>Why it cannot be measured here, in one line; null when it can.</summary>
    public string? Missing
    {
        get => field ?? FindMissing?.Value;
        init;
    }

    /// <summary>The same where it takes more than a look to find out.</summary>
    public Lazy<string?>? FindMissing { get; init; }
}
