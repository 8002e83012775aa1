using System.Globalization;
using NativeMm.Frames;
using NativeMm.Platform;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Platform;

/// <summary>Processes that may not have everything: with less address space or smaller files, and with memory that must not be paged.</summary>
public sealed class LimitsTests
{
    [LinuxTheory]
    [InlineData("1073741824")]
    [InlineData("65536000")]
    public void A_limit_on_file_sizes_makes_the_mappable_zone_smaller_and_does_not_kill(string bytes)
    {
        string[] lines = Run("file", bytes);

        Assert.Single(lines);
    }

    [LinuxFact]
    public void Without_room_for_any_zone_the_error_names_the_limit_and_the_option()
    {
        string[] lines = Run("file", "65536");

        Assert.Equal(2, lines.Length);
        Assert.StartsWith("ring: OutOfMemoryException", lines[0], StringComparison.Ordinal);
        Assert.Contains("65536 bytes (ulimit -f)", lines[0], StringComparison.Ordinal);
        Assert.Contains("VmapOptions.CapacityBytes", lines[0], StringComparison.Ordinal);
    }

    [LinuxFact]
    public void Without_a_file_left_the_errors_name_the_limit_and_the_heap_goes_on()
    {
        string[] lines = Run("files", "3");

        Assert.Equal(3, lines.Length);
        Assert.StartsWith("paged: IOException", lines[0], StringComparison.Ordinal);
        Assert.Contains("ENOENT", lines[0], StringComparison.Ordinal);
        Assert.StartsWith("paged: IOException", lines[1], StringComparison.Ordinal);
        Assert.StartsWith("ring: OutOfMemoryException", lines[2], StringComparison.Ordinal);
        Assert.All(lines[1..], line => Assert.Contains("EMFILE (24). The process may have 3 files open (ulimit -n)", line, StringComparison.Ordinal));
    }

    [LinuxFact]
    public void Whatever_is_refused_for_want_of_addresses_names_the_limit()
    {
        string[] lines = Run("refused", (256UL << 20).ToString(CultureInfo.InvariantCulture));

        Assert.Equal(["block", "pool"], lines.Select(line => line.Split(':')[0]));
        Assert.All(lines, line => Assert.Contains("OutOfMemoryException", line, StringComparison.Ordinal));
        Assert.All(lines, line => Assert.Contains("bytes of address space (ulimit -v), of which", line, StringComparison.Ordinal));
    }

    [LinuxTheory]
    [InlineData(1024, 64, 128)]
    [InlineData(2048, 256, 384)]
    public void Limited_address_space_makes_the_zone_smaller_and_leaves_room_for_threads(int left, int zoneMin, int zoneMax)
    {
        string[] lines = Run("address", ((ulong)left << 20).ToString(CultureInfo.InvariantCulture));

        string line = Assert.Single(lines);
        Assert.InRange(int.Parse(line.Split(' ')[0], CultureInfo.InvariantCulture), zoneMin, zoneMax);
    }

    /// <summary>What stood for the shared heap meanwhile goes on saying what was wrong, to whoever kept it.</summary>
    [LinuxFact]
    public void A_shared_heap_that_could_not_be_made_is_tried_again_with_other_options()
    {
        string[] lines = Run("again", (2UL << 30).ToString(CultureInfo.InvariantCulture));

        Assert.Equal(["first", "pool", "runtime", "kept", "kept, too"], lines[..^1].Select(line => line.Split(':')[0]));
        Assert.All(lines[..^1], line => Assert.Contains("OutOfMemoryException: The operating system refused to reserve", line, StringComparison.Ordinal));
        Assert.Equal("True shared 64 0", lines[^1]);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(512, 0)]
    [InlineData(1024, 128)]
    [InlineData(2048, 384)]
    [InlineData(8192, 1920)]
    public void A_zone_takes_a_quarter_of_the_address_space_beyond_the_reserve(ulong left, ulong share) =>
        Assert.Equal(share << 20, ResourceLimits.ShareOf(left << 20));

    [Fact]
    public void Without_a_limit_on_address_space_there_is_none_for_a_zone() =>
        Assert.Equal(ulong.MaxValue, ResourceLimits.ShareOf(ulong.MaxValue));

    [LinuxFact]
    public void Locked_memory_is_what_was_handed_out()
    {
        ChildResult result = ChildProcess.Run("limits", ["lock", (2UL << 30).ToString(CultureInfo.InvariantCulture)]);
        if (result.ExitCode == 4)
        {
            return;
        }

        Assert.True(result.ExitCode == 0, result.ToString());
        string last = result.Output.Trim().Split('\n')[^1];
        Assert.InRange(int.Parse(last.Split(' ')[1], CultureInfo.InvariantCulture), 0, 1000);
    }

    [Theory]
    [InlineData(1024, 0, 960)]
    [InlineData(512, 0, 448)]
    [InlineData(100, 0, 36)]
    [InlineData(40, 0, 5)]
    [InlineData(1024, 8, 1016)]
    [InlineData(1024, 768, 256)]
    [InlineData(1024, 4096, 128)]
    [InlineData(16384, 0, 15360)]
    public void Native_memory_gets_the_limit_less_what_was_given_to_the_garbage_collector(ulong limit, ulong managed, ulong native) =>
        Assert.Equal(native << 20, MemoryShares.Native(limit << 20, managed << 20));

    [Theory]
    [InlineData("DOTNET_GCHeapHardLimit", "8000000", 0x8000000)]
    [InlineData("COMPlus_GCHeapHardLimit", "0x8000000", 0x8000000)]
    [InlineData("System.GC.HeapHardLimit", "8000000", 8000000)]
    [InlineData("DOTNET_GCHeapHardLimitPercent", "32", 500)]
    [InlineData("System.GC.HeapHardLimitPercent", "50", 500)]
    [InlineData("DOTNET_GCHeapCount", "50", 0)]
    public void What_the_garbage_collector_was_told_is_read_as_it_reads_it(string name, string value, ulong bytes) =>
        Assert.Equal(bytes, MemoryShares.ReadManaged(key => key == name ? value : null, key => key == name ? value : null, 1000));

    [Fact]
    public void A_process_of_32_bits_is_refused_by_name()
    {
        PlatformNotSupportedException refusal = Assert.Throws<PlatformNotSupportedException>(() => FrameZone.Require64Bits(4));

        Assert.Contains("64 bits", refusal.Message, StringComparison.Ordinal);
        FrameZone.Require64Bits(8);
    }

    private static string[] Run(params string[] arguments)
    {
        // Code that is compiled late, or again, needs mappings: with so little left that is not to be what fails.
        ChildResult result = ChildProcess.Run("limits", arguments, [new("DOTNET_TieredCompilation", "0"), new("DOTNET_EnableWriteXorExecute", "0")]);
        Assert.True(result.ExitCode == 0, result.ToString());
        return result.Output.Trim().Split('\n');
    }
}
