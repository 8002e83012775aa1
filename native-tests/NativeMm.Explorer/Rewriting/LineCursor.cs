using Mono.Cecil;
using Mono.Cecil.Cil;

namespace NativeMm.Explorer.Rewriting;

/// <summary>Finds the line of each call in a statement of several lines: calls come in the order of the text.</summary>
internal sealed class LineCursor(SourceLabels labels, SequencePoint statement)
{
    /// <summary>The file's name without its folders.</summary>
    public string File => Path.GetFileName(statement.Document.Url);

    /// <summary>The line of the last call that was found, or the first line.</summary>
    public int Line { get; private set; } = statement.StartLine;

    /// <summary>The line of a call: the next one from the last call's on in which its name stands, or the last call's.</summary>
    public int Find(MethodReference called)
    {
        string name = called.Name.StartsWith("get_", StringComparison.Ordinal) || called.Name.StartsWith("set_", StringComparison.Ordinal)
            ? called.Name[4..]
            : called.Name;
        for (int line = Line; line <= statement.EndLine; line++)
        {
            if (labels.Line(statement.Document.Url, line).Contains(name, StringComparison.Ordinal))
            {
                return Line = line;
            }
        }

        return Line;
    }

    /// <summary>The label at the end of a line, with the name of its file's family; empty without one.</summary>
    public string LabelOf(int line) => labels.LabelOf(statement.Document.Url, line);

    /// <summary>The line's text.</summary>
    public string TextOf(int line) => labels.Line(statement.Document.Url, line).Trim();
}
