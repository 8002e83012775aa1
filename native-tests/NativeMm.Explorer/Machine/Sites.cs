namespace NativeMm.Explorer.Machine;

/// <summary>
/// Places in the library's source at which something atomic is done, and the labels that its notes give them. A strand's place is one number: the
/// place's own in the lower half, the label's in the upper half.
/// </summary>
internal static class Sites
{
    private static readonly List<string> s_labels = [""];
    private static readonly List<(string File, int Line, string Text)> s_places = [("", 0, "")];
    private static bool[] s_used = [];

    /// <summary>All labels, by number. Number 0 is none.</summary>
    public static IReadOnlyList<string> Labels => s_labels;

    /// <summary>Labels at which an atomic operation was seen since <see cref="ForgetUsed"/>.</summary>
    public static IEnumerable<string> Used => s_labels.Where((_, number) => number != 0 && s_used[number]);

    /// <summary>Adds a label, read from the rewriter's notes.</summary>
    public static void AddLabel(string label)
    {
        s_labels.Add(label);
        s_used = new bool[s_labels.Count];
    }

    /// <summary>Adds a place, read from the rewriter's notes.</summary>
    public static void AddPlace(string file, int line, string text) => s_places.Add((file, line, text));

    /// <summary>The label's number, 0 for the empty one. A label that no source line carries is a mistake of the case.</summary>
    public static int Require(string label) =>
        s_labels.IndexOf(label) is >= 0 and int number ? number : throw new ArgumentException($"No line of the library carries the label {label}.");

    /// <summary>The number of the label of a strand's place.</summary>
    public static int LabelOf(int site) => site >> 16;

    /// <summary>A strand's place for people.</summary>
    public static (string Label, string Place, string Text) Describe(int site)
    {
        (string file, int line, string text) = s_places[site & 0xFFFF];
        string label = s_labels[site >> 16];
        return (label, line == 0 ? "" : $"{file}:{line}", text);
    }

    /// <summary>An atomic operation happens at a place.</summary>
    public static void Use(int site) => s_used[site >> 16] = true;

    /// <summary>Begins to note which labels are used.</summary>
    public static void ForgetUsed() => Array.Clear(s_used);
}
