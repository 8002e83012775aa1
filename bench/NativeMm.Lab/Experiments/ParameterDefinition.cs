namespace NativeMm.Lab.Experiments;

/// <summary>Something that <c>--set</c> can set.</summary>
/// <param name="name">The key.</param>
/// <param name="summary">What it means.</param>
/// <param name="defaults">Values when nothing is set; each is measured.</param>
/// <param name="normalize">Checks a value and gives its canonical text, or null when the value is bad.</param>
/// <param name="allowed">What to say about good values in a message.</param>
internal sealed class ParameterDefinition(
    string name,
    string summary,
    IReadOnlyList<string> defaults,
    Func<string, string?> normalize,
    string allowed)
{
    /// <summary>The key.</summary>
    public string Name { get; } = name;

    /// <summary>What it means.</summary>
    public string Summary { get; } = summary;

    /// <summary>Values when nothing is set.</summary>
    public IReadOnlyList<string> Defaults { get; } = defaults;

    /// <summary>What to say about good values in a message.</summary>
    public string Allowed { get; } = allowed;

    /// <summary>A parameter with a fixed list of values.</summary>
    public static ParameterDefinition Choice(string name, string summary, params string[] values) =>
        new(name, summary, values, value => values.Contains(value) ? value : null, string.Join('|', values));

    /// <summary>A parameter that is a whole number.</summary>
    public static ParameterDefinition Number(string name, string summary, long least, long most, params string[] defaults) =>
        new(name, summary, defaults, value => NumberInRange(value, least, most), $"a whole number from {least} to {most}");

    /// <summary>Checks a value.</summary>
    /// <exception cref="LabUsageException">The value is bad.</exception>
    public string Normalize(string value) =>
        normalize(value) ?? throw new LabUsageException($"Bad value '{value}' for {Name}: expected {Allowed}.");

    private static string? NumberInRange(string value, long least, long most) =>
        long.TryParse(value, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out long number)
            && number >= least && number <= most
            ? number.ToString(System.Globalization.CultureInfo.InvariantCulture)
            : null;
}
