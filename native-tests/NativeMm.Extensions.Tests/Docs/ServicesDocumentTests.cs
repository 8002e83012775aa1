using System.Text.RegularExpressions;
using NativeMm.Buffers;
using NativeMm.Runtime;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Extensions.Tests.Docs;

/// <summary>The document for services says what the code does.</summary>
public sealed partial class ServicesDocumentTests
{
    private static readonly string s_document = File.ReadAllText(RepositoryRoot.Combine("docs", "services.md"));

    [Fact]
    public void Every_line_of_code_is_compiled()
    {
        string compiled = File.ReadAllText(RepositoryRoot.Combine("native-tests", "NativeMm.Extensions.Tests", "Docs", "ServiceExample.cs"));
        string[] blocks = [.. CodeBlock().Matches(s_document).Select(match => match.Groups[1].Value)];
        Assert.NotEmpty(blocks);
        string[] lines = [.. blocks.SelectMany(block => block.Split('\n')).Select(line => Comment().Replace(line, "").Trim())
            .Where(line => line.Length != 0 && !line.StartsWith("using ", StringComparison.Ordinal))];
        Assert.NotEmpty(lines);
        Assert.All(lines, line => Assert.Contains(line, compiled, StringComparison.Ordinal));
    }

    /// <summary>Who pastes a block has the namespaces of the first one, and those that the block names itself.</summary>
    [Fact]
    public void Every_type_that_a_block_names_has_its_namespace_in_view()
    {
        string[] blocks = [.. CodeBlock().Matches(s_document).Select(match => match.Groups[1].Value)];
        Type[] types = [.. typeof(MemoryRuntime).Assembly.GetExportedTypes().Concat(typeof(NativeMemoryStream).Assembly.GetExportedTypes())
            .Where(type => !type.IsNested && type.Namespace!.StartsWith("NativeMm", StringComparison.Ordinal))];
        int named = 0;
        foreach (string block in blocks)
        {
            Type[] here = [.. types.Where(type => Regex.IsMatch(block, $@"\b{Regex.Escape(type.Name.Split('`')[0])}\b"))];
            Assert.Empty(here.Where(type => !Uses(block, type.Namespace!) && !Uses(blocks[0], type.Namespace!)).Select(type => $"{type.FullName} in:\n{block}"));
            named += here.Length;
        }

        Assert.InRange(named, 6, 1000);

        static bool Uses(string block, string name) => block.Contains($"using {name};", StringComparison.Ordinal);
    }

    [Fact]
    public void Defaults_of_the_pool_are_those_of_the_table()
    {
        var options = new BufferPoolOptions { Checked = false, StackSampleInterval = 0 };
        Assert.Contains($"| `BlockBytesMin` | bytes | {options.BlockBytesMin} |", s_document, StringComparison.Ordinal);
        Assert.Contains($"| `IdleDelay` | time | {options.IdleDelay.TotalSeconds} s |", s_document, StringComparison.Ordinal);
    }

    [Fact]
    public void Defaults_of_the_health_check_are_those_of_the_table()
    {
        var options = new NativeMmHealthCheckOptions();
        Assert.Contains(FormattableString.Invariant($"| share of the limit | {options.DegradedShare} | {options.UnhealthyShare} |"), s_document, StringComparison.Ordinal);
        Assert.Contains($"| failed allocations since the check before | {options.DegradedFailedAllocations} | none |", s_document, StringComparison.Ordinal);
        Assert.Contains($"| mistakes since the start | none | {options.UnhealthyFaults} |", s_document, StringComparison.Ordinal);
        Assert.Null(options.UnhealthyFailedAllocations);
        Assert.Null(options.DegradedFaults);
    }

    [Fact]
    public void Defaults_of_the_cache_are_those_of_the_table()
    {
        var options = new NativeDistributedCacheOptions();
        foreach (string row in (string[])[
            $"| `Name` | | {options.Name} |",
            $"| `SizeLimit` | bytes | {options.SizeLimit >> 20} MiB |",
            $"| `MaxEntryBytes` | bytes | {options.MaxEntryBytes} |",
            $"| `LocalExpiration` | time | {options.LocalExpiration.TotalMinutes} min |",
            $"| `SecondTierTimeout` | time | {options.SecondTierTimeout.TotalMilliseconds} ms |",
            $"| `CircuitFailures` | | {options.CircuitFailures} |",
            $"| `CircuitDuration` | time | {options.CircuitDuration.TotalSeconds} s |"])
        {
            Assert.Contains(row, s_document, StringComparison.Ordinal);
        }

        Assert.Null(options.DefaultExpiration);
        Assert.Null(options.Codec);
        Assert.Contains($"a head of {TierRecord.HeadBytes} bytes", s_document, StringComparison.Ordinal);
    }

    [Fact]
    public void Defaults_of_the_store_of_output_caching_are_those_of_the_table()
    {
        var options = new NativeOutputCacheOptions();
        string table = s_document[s_document.IndexOf("## `NativeOutputCacheOptions`", StringComparison.Ordinal)..];
        Assert.Contains($"| `Name` | | {options.Name} |", table, StringComparison.Ordinal);
        Assert.Contains($"| `SizeLimit` | bytes | {options.SizeLimit >> 20} MiB |", table, StringComparison.Ordinal);
        Assert.Contains($"| `MaxEntryBytes` | bytes | {options.MaxEntryBytes} |", table, StringComparison.Ordinal);
        Assert.Null(options.Codec);
        Assert.Contains(FormattableString.Invariant($"{OutputTags.TagsMax:N0} tags at most"), s_document, StringComparison.Ordinal);
    }

    [Fact]
    public void Longest_stream_is_the_one_of_the_document() =>
        Assert.Contains($"{NativeMemoryStream.LengthMax >> 40} TiB", s_document, StringComparison.Ordinal);

    [GeneratedRegex("```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex CodeBlock();

    [GeneratedRegex("\\s+// .*$")]
    private static partial Regex Comment();
}
