using System.Reflection;
using System.Text.RegularExpressions;
using NativeMm.Buffers;
using NativeMm.Caching;
using NativeMm.Heap.Checked;
using NativeMm.Runtime;
using NativeMm.Tests.Support;
using NativeMm.Vmap;
using NativeMm.Zsmalloc;
using Xunit;

namespace NativeMm.Tests.Architecture;

/// <summary>docs/tuning.md says of every option what the code says.</summary>
public sealed partial class OptionTableTests
{
    private static readonly string s_document = File.ReadAllText(RepositoryRoot.Combine("docs", "tuning.md"));

    public static TheoryData<string> Types => [.. TypesOfOptions.Select(type => type.FullName!)];

    /// <summary>Whatever is read when something is made, and says itself what it refuses.</summary>
    private static IEnumerable<Type> TypesOfOptions => typeof(MemoryRuntimeOptions).Assembly.GetExportedTypes()
        .Where(type => type.GetMethod("<Clone>$") is not null && type.GetMethod("Validate", Type.EmptyTypes) is not null);

    [Theory]
    [MemberData(nameof(Types))]
    public void Table_is_the_options_of_the_code(string type)
    {
        Type options = typeof(MemoryRuntimeOptions).Assembly.GetType(type, throwOnError: true)!;
        var complaints = (IEnumerable<string>)typeof(OptionTable).GetMethod(nameof(OptionTable.Complaints))!.MakeGenericMethod(options)
            .Invoke(null, [OptionTable.Read(s_document, options.Name)])!;
        Assert.Empty(complaints);
    }

    [Fact]
    public void Options_of_all_parts_are_among_those_that_need_a_table() => Assert.Superset(
        new HashSet<string> { nameof(MemoryRuntimeOptions), nameof(LazyPurgePolicy), nameof(CompressedPageStoreOptions), nameof(NativeCacheOptions), nameof(ZsPoolOptions) },
        TypesOfOptions.Select(type => type.Name).ToHashSet(StringComparer.Ordinal));

    [Fact]
    public void Environment_variables_are_those_of_the_code()
    {
        IEnumerable<string> inCode = typeof(CheckedOptions).Assembly.GetTypes()
            .SelectMany(type => type.GetFields(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic))
            .Where(field => field.IsLiteral && field.FieldType == typeof(string))
            .Select(field => (string)field.GetRawConstantValue()!)
            .Where(text => VariableName().IsMatch(text));
        IEnumerable<string> inTable = OptionTable.ReadTable(s_document, "## Environment variables").Skip(1).Select(cells => cells[0].Trim('`'));
        Assert.Equal(inCode.Order(StringComparer.Ordinal), inTable.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("| `PurgeDelay` | time | 1 s |", "| `PurgeDelay` | time | 2 s |", "the default")]
    [InlineData("10 ms to 1 h", "11 ms to 1 h", "is accepted")]
    [InlineData("10 ms to 1 h", "9 ms to 1 h", "is refused")]
    [InlineData("10 ms to 1 h", "10 ms to 2 h", "is refused")]
    [InlineData("10 ms to 1 h", "10 ms and more", "is refused")]
    [InlineData("10 ms to 1 h", "short", "cannot be read")]
    [InlineData("10 ms to 1 h", "10 ms, 20 ms", "is accepted")]
    [InlineData("10 ms to 1 h", "10 ms, 2 h", "is refused")]
    [InlineData("0 or 64 MiB to 8 TiB", "64 MiB to 8 TiB", "outside of the range as written and is accepted")]
    [InlineData("0 or 64 MiB to 8 TiB", "0 to 8 TiB", "is refused")]
    [InlineData("| `LockFree`, `Buddy` |", "| `LockFree` |", "the range")]
    [InlineData("| `HugePages` |", "| `HugerPages` |", "no option")]
    [InlineData("| `HugePages` | | false | true, false |", "| `HugePages` | | true | true, false |", "the default")]
    [InlineData("| `Checked` | | off | see below | The checked mode of the runtime's heaps. |\n", "", "no row")]
    public void Control_that_differs_is_caught(string text, string other, string complaint)
    {
        string document = s_document.ReplaceLineEndings("\n");
        Assert.Contains(text, document, StringComparison.Ordinal);
        IReadOnlyList<OptionTableRow> rows = OptionTable.Read(document.Replace(text, other, StringComparison.Ordinal), nameof(MemoryRuntimeOptions));
        Assert.Contains(OptionTable.Complaints<MemoryRuntimeOptions>(rows), found => found.Contains(complaint, StringComparison.Ordinal));
    }

    [GeneratedRegex("^NATIVEMM_[A-Z][A-Z_]*$")]
    private static partial Regex VariableName();
}
