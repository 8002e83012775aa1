using System.Text.RegularExpressions;
using Xunit;

namespace NativeMm.Tests.Architecture;

public sealed partial class FileShapeTests
{
    private const int LinesMax = 400;
    private const int LinesMedianMax = 120;

    [Fact]
    public void Each_file_holds_one_type_of_its_name() =>
        Assert.Empty(SourceFile.All.Where(file => file.Name != "AssemblyInfo.cs").Select(Complaint).OfType<string>());

    [Fact]
    public void No_file_is_too_long()
    {
        Assert.Empty(SourceFile.All.Where(file => file.LineCount > LinesMax).Select(file => $"{file.Path}: {file.LineCount}"));
        int[] lengths = [.. SourceFile.All.Select(file => file.LineCount).Order()];
        Assert.InRange(lengths[lengths.Length / 2], 1, LinesMedianMax);
    }

    [Theory]
    [InlineData("Two.cs", "class Two\n{\n}\n\nclass Three\n{\n}")]
    [InlineData("Other.cs", "internal struct Two\n{\n}")]
    [InlineData("None.cs", "using System;")]
    [InlineData("Two.cs", "public sealed record Two(int X);\npublic delegate void F();")]
    public void Control_is_caught(string name, string text) => Assert.NotNull(Complaint(SourceFile.FromText("X", name, text)));

    [Theory]
    [InlineData("Two.cs", "public sealed class Two<T>\n    where T : class\n{\n    class Inner { }\n}")]
    [InlineData("Two.Free.cs", "internal unsafe partial struct Two\n{\n}")]
    [InlineData("Two.cs", "internal readonly record struct Two(int X);")]
    [InlineData("F.cs", "public unsafe delegate void* F(int x);")]
    public void One_type_of_the_files_name_is_fine(string name, string text) => Assert.Null(Complaint(SourceFile.FromText("X", name, text)));

    private static string? Complaint(SourceFile file)
    {
        // Types inside a type are indented, so what begins in the first column stands at the top.
        string[] types = [.. TopLevelType().Matches(file.Code).Select(match => match.Groups["name"].Value)];
        string expected = file.Name[..file.Name.IndexOf('.', StringComparison.Ordinal)];
        return types.Length == 1 && types[0] == expected ? null : $"{file.Path} holds: {string.Join(", ", types)}";
    }

    [GeneratedRegex(@"^(?:(?:public|internal|file|static|sealed|abstract|readonly|ref|unsafe|partial)\s+)*(?:(?:record\s+)?(?:class|struct|interface|enum)|record|delegate\s+[\w<>,.*\[\]? ]+?)\s+(?<name>\w+)", RegexOptions.Multiline)]
    private static partial Regex TopLevelType();
}
