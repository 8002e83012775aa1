using System.Reflection;
using System.Text.RegularExpressions;
using NativeMm.AddressSpaces;
using NativeMm.Buffers;
using NativeMm.Caching;
using NativeMm.Heap.Checked;
using NativeMm.Heap.Sampled;
using NativeMm.Reporting;
using NativeMm.Runtime;
using NativeMm.Teardown;
using NativeMm.Tests.Support;
using NativeMm.Vmap;
using NativeMm.Zsmalloc;
using Xunit;

namespace NativeMm.Tests.Architecture;

/// <summary>docs/tuning.md says of every option what the code says.</summary>
public sealed partial class OptionTableTests
{
    private static readonly string s_document = File.ReadAllText(RepositoryRoot.Combine("docs", "tuning.md"));

    [Fact]
    public void Tables_are_the_options_of_the_code()
    {
        Assert.Empty(OptionTable.Complaints<MemoryRuntimeOptions>(OptionTable.Read(s_document, nameof(MemoryRuntimeOptions))));
        Assert.Empty(OptionTable.Complaints<PageReporterOptions>(OptionTable.Read(s_document, nameof(PageReporterOptions))));
        Assert.Empty(OptionTable.Complaints<CheckedOptions>(OptionTable.Read(s_document, nameof(CheckedOptions))));
        Assert.Empty(OptionTable.Complaints<SampledOptions>(OptionTable.Read(s_document, nameof(SampledOptions))));
        Assert.Empty(OptionTable.Complaints<VmapOptions>(OptionTable.Read(s_document, nameof(VmapOptions))));
        Assert.Empty(OptionTable.Complaints<LazyPurgePolicy>(OptionTable.Read(s_document, nameof(LazyPurgePolicy))));
        Assert.Empty(OptionTable.Complaints<ZsPoolOptions>(OptionTable.Read(s_document, nameof(ZsPoolOptions))));
        Assert.Empty(OptionTable.Complaints<AddressSpaceOptions>(OptionTable.Read(s_document, nameof(AddressSpaceOptions))));
        Assert.Empty(OptionTable.Complaints<TeardownOptions>(OptionTable.Read(s_document, nameof(TeardownOptions))));
        Assert.Empty(OptionTable.Complaints<ArenaOptions>(OptionTable.Read(s_document, nameof(ArenaOptions))));
        Assert.Empty(OptionTable.Complaints<PagedMemoryOptions>(OptionTable.Read(s_document, nameof(PagedMemoryOptions))));
        Assert.Empty(OptionTable.Complaints<NativeCacheOptions>(OptionTable.Read(s_document, nameof(NativeCacheOptions))));
    }

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
