using System.Runtime.CompilerServices;

namespace NativeMm.Explorer.Machine;

/// <summary>
/// Places in the library's source at which something atomic is done, and the labels that its notes give them. A strand's place is one number: the
/// place's own in the lower half, the label's in the upper half.
/// </summary>
internal static class Sites
{
    private static readonly List<string> s_labels = [""];
    private static readonly List<(string File, int Line, string Text)> s_places = [("", 0, "")];
    private static bool[] s_used = new bool[1];

    /// <summary>All labels, by number. Number 0 is none.</summary>
    public static IReadOnlyList<string> Labels => s_labels;

    /// <summary>Labels whose places were come by since <see cref="ForgetUsed"/>.</summary>
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

    /// <summary>The label whose places are weakened, or −1.</summary>
    public static int Weakened { get; set; } = -1;

    /// <summary>
    /// The place of a strand that comes from one place to another. The inner label counts, if there is one; but what a weakened label's line calls is
    /// weakened whatever labels it has of its own.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Within(int outer, int site)
    {
        s_used[site >> 16] = true;
        return site > 0xFFFF && outer >> 16 != Weakened ? site : (outer & ~0xFFFF) | (site & 0xFFFF);
    }

    /// <summary>Begins to note which labels are used.</summary>
    public static void ForgetUsed() => Array.Clear(s_used);
}
