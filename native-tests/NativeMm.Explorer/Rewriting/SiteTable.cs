namespace NativeMm.Explorer.Rewriting;

/// <summary>Numbers for places and labels, and the notes that tell the workers what they mean.</summary>
internal sealed class SiteTable
{
    private readonly Dictionary<(string File, int Line), int> _places = [];
    private readonly Dictionary<string, int> _labels = [];
    private readonly List<string> _lines = [];

    /// <summary>The notes, a line each.</summary>
    public IReadOnlyList<string> Lines => _lines;

    /// <summary>The number of a place: its own in the lower half, its label's in the upper half.</summary>
    public int NumberOf(string file, int line, string label, string text)
    {
        int labelNumber = 0;
        if (label.Length != 0 && !_labels.TryGetValue(label, out labelNumber))
        {
            _labels[label] = labelNumber = _labels.Count + 1;
            _lines.Add($"label\t{label}");
        }

        if (!_places.TryGetValue((file, line), out int place))
        {
            _places[(file, line)] = place = _places.Count + 1;
            _lines.Add($"place\t{file}\t{line}\t{text.Replace('\t', ' ')}");
        }

        return place | (labelNumber << 16);
    }
}
