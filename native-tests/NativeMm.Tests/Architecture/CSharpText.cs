using System.Text;

namespace NativeMm.Tests.Architecture;

/// <summary>Enough of C#'s lexical rules to tell code from comments and literals.</summary>
public static class CSharpText
{
    /// <summary>Blanks comments and the content of literals; line breaks stay. Code inside interpolated texts is blanked, too.</summary>
    public static string WithoutCommentsAndLiterals(string text)
    {
        var code = new StringBuilder(text.Length);
        int at = 0;
        while (at < text.Length)
        {
            int end = EndOfSkipped(text, at);
            if (end == at)
            {
                code.Append(text[at]);
                at++;
                continue;
            }

            code.Append(' ');
            code.Append('\n', text.AsSpan(at, end - at).Count('\n'));
            at = end;
        }

        return code.ToString();
    }

    /// <summary>Where the comment or literal that begins here ends; the same place when none begins here.</summary>
    private static int EndOfSkipped(string text, int at)
    {
        if (StartsWith(text, at, "//"))
        {
            return EndAfter(text, at, "\n", include: false);
        }

        if (StartsWith(text, at, "/*"))
        {
            return EndAfter(text, at + 2, "*/", include: true);
        }

        if (text[at] == '\'')
        {
            return EndOfEscaped(text, at, '\'');
        }

        if (text[at] != '"')
        {
            return at;
        }

        int quotes = 1;
        while (at + quotes < text.Length && text[at + quotes] == '"')
        {
            quotes++;
        }

        if (quotes >= 3)
        {
            return EndAfter(text, at + quotes, new string('"', quotes), include: true);
        }

        bool verbatim = at > 0 && (text[at - 1] == '@' || (text[at - 1] == '$' && at > 1 && text[at - 2] == '@'));
        return verbatim ? EndOfVerbatim(text, at) : EndOfEscaped(text, at, '"');
    }

    private static int EndOfEscaped(string text, int at, char quote)
    {
        for (int i = at + 1; i < text.Length; i++)
        {
            if (text[i] == '\\')
            {
                i++;
            }
            else if (text[i] == quote || text[i] == '\n')
            {
                return i + 1;
            }
        }

        return text.Length;
    }

    private static int EndOfVerbatim(string text, int at)
    {
        for (int i = at + 1; i < text.Length; i++)
        {
            if (text[i] == '"' && !StartsWith(text, i, "\"\""))
            {
                return i + 1;
            }

            i += text[i] == '"' ? 1 : 0;
        }

        return text.Length;
    }

    private static int EndAfter(string text, int from, string mark, bool include)
    {
        int found = text.IndexOf(mark, from, StringComparison.Ordinal);
        return found < 0 ? text.Length : include ? found + mark.Length : found;
    }

    private static bool StartsWith(string text, int at, string mark) => string.CompareOrdinal(text, at, mark, 0, mark.Length) == 0;
}
