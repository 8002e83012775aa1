using System.Text.RegularExpressions;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Architecture;

/// <summary>What docs/proof.md says of cases, bad copies and labels is what the explorer and the library have.</summary>
public sealed partial class ProofDocumentTests
{
    private static readonly string s_document = File.ReadAllText(RepositoryRoot.Combine("docs", "proof.md"));

    // Labels at the end of a line of code, as the explorer finds them: family of the file, and label.
    private static readonly HashSet<string> s_labels =
    [
        .. Directory.EnumerateFiles(RepositoryRoot.Combine("src", "NativeMm"), "*.cs", SearchOption.AllDirectories)
            .SelectMany(path => File.ReadLines(path).Select(line => Label().Match(line)).Where(match => match.Success)
                .Select(match => $"{Path.GetFileName(path).Split('.')[0]}[{match.Groups[1].Value}]")),
    ];

    [Fact]
    public void Every_case_has_its_row_in_their_order_and_with_its_claim()
    {
        string[] names = [.. CaseNames().Matches(Explorer("Cases", "CaseList.cs")).Select(match => match.Groups[1].Value)];
        Assert.InRange(names.Length, 30, 200);
        Assert.Equal(names, Rows().Select(row => row[0]));
        Assert.All(Rows(), row =>
        {
            string source = Explorer("Cases", row[0] + "Case.cs");
            Match claim = Claim().Match(source);
            Assert.True(!claim.Success || claim.Groups[1].Value == row[1], $"{row[0]} claims \"{claim.Groups[1].Value}\" and is said to claim \"{row[1]}\".");
        });
    }

    [Fact]
    public void Every_case_finds_as_many_bad_copies_as_its_row_says_and_at_least_one()
    {
        Assert.NotEmpty(Rows());
        Assert.All(Rows(), row =>
        {
            string source = Explorer("Cases", row[0] + "Case.cs");
            string copiesOnly = source[source.IndexOf("BadCopies =>", StringComparison.Ordinal)..];
            int copies = BadCopy().Count(copiesOnly[..copiesOnly.IndexOf("];", StringComparison.Ordinal)]);
            Assert.True(row[^1] == $"{copies} of {copies}" && copies > 0, $"{row[0]} has {copies} bad copies, and its row says {row[^1]}.");
        });
    }

    /// <summary>Both tables are of one search where a case is not reduced in CI: whoever changes a case writes both anew.</summary>
    [Fact]
    public void A_case_that_was_searched_both_ways_has_as_many_executions_in_both_tables()
    {
        var whole = Rows().Where(row => !Explorer("Cases", row[0] + "Case.cs").Contains("IsReduced => true", StringComparison.Ordinal)).ToDictionary(row => row[0]);
        string[][] compared = [.. TableRows("## The reduction, compared", "Those that are reduced in CI").Where(row => whole.ContainsKey(row[0]))];
        Assert.InRange(compared.Length, 20, 200);
        Assert.Empty(compared.Where(row => row[1] != whole[row[0]][4] || row[^1] != whole[row[0]][^1]).Select(row => string.Join(" | ", row)));
    }

    [Fact]
    public void Labels_of_bad_copies_are_there()
    {
        string[] named = [.. Directory.EnumerateFiles(RepositoryRoot.Combine("native-tests", "NativeMm.Explorer", "Cases"), "*.cs")
            .SelectMany(path => LabelOfCopy().Matches(File.ReadAllText(path)).Select(match => match.Groups[1].Value)).Distinct()];
        Assert.InRange(named.Length, 40, 1000);
        Assert.Empty(named.Except(s_labels));
    }

    [Fact]
    public void Labels_that_the_document_names_are_there()
    {
        string[] named = [.. NamedLabels(s_document[s_document.IndexOf("## Labels that no case needs yet", StringComparison.Ordinal)..])];
        Assert.InRange(named.Length, 15, 1000);
        Assert.Empty(named.Except(s_labels));
    }

    [Fact]
    public void Ranges_and_lists_of_labels_are_read() => Assert.Equal(
        ["A[R1]", "A[R3]", "B[M1]", "B[M2]", "B[M3]"], NamedLabels("A [R1], [R3], and B [M1] to [M3]"));

    private static IEnumerable<string> NamedLabels(string text)
    {
        string family = "";
        (string Letters, int Number) last = default;
        foreach (Match match in Named().Matches(text))
        {
            family = match.Groups["family"].Success ? match.Groups["family"].Value : family;
            var label = (Letters: match.Groups["letters"].Value, Number: int.Parse(match.Groups["number"].ValueSpan, provider: null));
            for (int number = match.Groups["to"].Success ? last.Number + 1 : label.Number; number <= label.Number; number++)
            {
                yield return $"{family}[{label.Letters}{number}]";
            }

            last = label;
        }
    }

    private static string[][] Rows() => TableRows("## The cases", "## Labels");

    private static string[][] TableRows(string from, string to)
    {
        string table = s_document[s_document.IndexOf(from, StringComparison.Ordinal)..];
        table = table[..table.IndexOf(to, StringComparison.Ordinal)];
        return
        [
            .. table.Split('\n').Where(line => line.StartsWith("| ", StringComparison.Ordinal)).Skip(1)
                .Select(line => line.Trim().Trim('|').Split(" | ").Select(cell => cell.Trim()).ToArray()),
        ];
    }

    private static string Explorer(params string[] path) =>
        File.ReadAllText(RepositoryRoot.Combine(["native-tests", "NativeMm.Explorer", .. path])).ReplaceLineEndings("\n");

    [GeneratedRegex(@"^.*\S.*?//[^\[]*\[([A-Z]{1,2}\d+)\]")]
    private static partial Regex Label();

    [GeneratedRegex(@"new (\w+)Case\(\)")]
    private static partial Regex CaseNames();

    [GeneratedRegex("string Claim =>\\s*\"([^\"]*)\";")]
    private static partial Regex Claim();

    [GeneratedRegex(@"\bnew\(")]
    private static partial Regex BadCopy();

    [GeneratedRegex(@"new\(""(\w+\[\w+\])""")]
    private static partial Regex LabelOfCopy();

    [GeneratedRegex(@"(?:(?<family>[A-Z]\w*) |(?<to>to ))?\[(?<letters>[A-Z]{1,2})(?<number>\d+)\]")]
    private static partial Regex Named();
}
