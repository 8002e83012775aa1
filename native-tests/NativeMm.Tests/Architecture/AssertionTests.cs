using System.Globalization;
using System.Text.RegularExpressions;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Architecture;

/// <summary>The folders of the library assert at least as much as docs/proof.md says.</summary>
public sealed partial class AssertionTests
{
    [Fact]
    public void Folders_assert_at_least_as_much_as_the_document_says()
    {
        (string Folder, double Said)[] rows = [.. Rows(File.ReadAllText(RepositoryRoot.Combine("docs", "proof.md")))];
        Assert.InRange(rows.Length, 5, 20);
        Assert.All(rows, row =>
        {
            double found = PerThousandLines(SourceFile.All.Where(file => file.Folder == row.Folder));
            Assert.True(found >= row.Said, $"{row.Folder} has {found:f1} assertions in a thousand lines, and is said to have {row.Said}.");
        });
    }

    [Fact]
    public void Lines_of_code_and_assertions_are_counted_without_comments_and_texts()
    {
        SourceFile file = SourceFile.FromText(
            "X", "Y.cs", "// Invariant.Assert(a);\n\nvoid M()\n{\n    Invariant.Assert(a, \"Invariant.Assert(\");\n    Invariant.Check(b);\n}\n");
        Assert.Equal(200, PerThousandLines([file]));
    }

    [Fact]
    public void Rows_are_read() => Assert.Equal(
        [("Frames", 24.5), ("Vmap", 30)], Rows("| folder | assertions |\n|---|---|\n| `Frames` | 24.5 |\n| `Vmap` | 30 |\n\n| `Heap` | a lock |\n"));

    private static double PerThousandLines(IEnumerable<SourceFile> files)
    {
        int lines = 0;
        int assertions = 0;
        foreach (SourceFile file in files)
        {
            lines += file.Code.Split('\n').Count(line => !string.IsNullOrWhiteSpace(line));
            assertions += Assertion().Count(file.Code);
        }

        return assertions * 1000.0 / Math.Max(lines, 1);
    }

    private static IEnumerable<(string Folder, double Said)> Rows(string document) => Row().Matches(document)
        .Select(match => (match.Groups[1].Value, double.Parse(match.Groups[2].ValueSpan, CultureInfo.InvariantCulture)));

    [GeneratedRegex(@"\bInvariant\.Assert\(")]
    private static partial Regex Assertion();

    [GeneratedRegex(@"^\| `(\w+)` \| ([\d.]+) \|\r?$", RegexOptions.Multiline)]
    private static partial Regex Row();
}
