namespace NativeMm.Lab.Experiments;

/// <summary>Parameters of one measurement, in the experiment's order. Equal when keys and values are.</summary>
internal sealed class ParameterValues : IEquatable<ParameterValues>
{
    /// <summary>No parameters.</summary>
    public static readonly ParameterValues None = new([]);

    private readonly KeyValuePair<string, string>[] _pairs;
    private readonly string _identity;

    /// <summary>Keeps the pairs in the given order.</summary>
    public ParameterValues(IEnumerable<KeyValuePair<string, string>> pairs)
    {
        _pairs = [.. pairs];
        _identity = string.Join('\n', _pairs.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => $"{p.Key}={p.Value}"));
    }

    /// <summary>The pairs, in order.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Pairs => _pairs;

    /// <summary>The value of a key, or null.</summary>
    public string? this[string key] => Array.Find(_pairs, p => p.Key == key).Value;

    /// <summary>Makes values from key and value, in turn.</summary>
    public static ParameterValues Of(params ReadOnlySpan<string> keysAndValues)
    {
        var pairs = new List<KeyValuePair<string, string>>();
        for (int i = 0; i + 1 < keysAndValues.Length; i += 2)
        {
            pairs.Add(new(keysAndValues[i], keysAndValues[i + 1]));
        }

        return new ParameterValues(pairs);
    }

    /// <inheritdoc/>
    public bool Equals(ParameterValues? other) => other is not null && _identity == other._identity;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as ParameterValues);

    /// <inheritdoc/>
    public override int GetHashCode() => _identity.GetHashCode(StringComparison.Ordinal);

    /// <summary>A text such as <c>pattern=pair size=64</c>.</summary>
    public override string ToString() => string.Join(' ', _pairs.Select(p => $"{p.Key}={p.Value}"));
}
