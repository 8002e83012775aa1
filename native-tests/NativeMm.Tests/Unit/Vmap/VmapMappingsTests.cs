using System.Globalization;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Tests.Support;
using NativeMm.Vmap;
using Xunit;

namespace NativeMm.Tests.Unit.Vmap;

/// <summary>A process that runs out of mappings, in fact and not by a platform of the test's making.</summary>
public sealed unsafe class VmapMappingsTests
{
    [LinuxTheory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void The_system_has_no_more_mappings_of_the_window_than_are_counted(int seed)
    {
        using var vmap = new VmapAllocator(new VmapOptions { CapacityBytes = 16 << 20, WindowBytes = 256 << 20 });
        var random = new Random(seed);
        Pfn[] frames = new Pfn[64];
        vmap.AllocateFrames(frames);
        var live = new List<(nint Address, Action Undo)>();
        nint low = nint.MaxValue;
        nint high = 0;
        for (int step = 0; step < 600; step++)
        {
            if (random.Next(3) == 0 && live.Count > 0)
            {
                int at = random.Next(live.Count);
                live[at].Undo();
                live.RemoveAt(at);
            }
            else
            {
                live.Add(Make(vmap, random, random.GetItems(frames, random.Next(1, 20))));
                low = nint.Min(low, live[^1].Address);
                high = nint.Max(high, live[^1].Address + (32 * (nint)Pfn.FrameBytes));
            }

            if (step % 60 == 59)
            {
                Assert.InRange(CountMappings(low, high), live.Count / 2, vmap.GetStatistics().MappingsInUse);
                vmap.Validate();
            }
        }
    }

    [LinuxTheory]
    [InlineData(100)]
    [InlineData(1000)]
    public void The_options_limit_is_an_error_that_names_it_and_all_goes_on(int mappings)
    {
        string[] lines = Run(mappings, "option");
        Assert.Contains($"of {mappings} allowed by VmapOptions.MappingsMax", lines[1], StringComparison.Ordinal);
        Assert.Contains($"vm.max_map_count = {SystemPlatform.Current.MappingsMax}", lines[1], StringComparison.Ordinal);
        AssertWentOn(lines, mapsLeast: (mappings / 16) - 1, mapsMost: mappings / 16);
    }

    [MappingLimitTheory]
    [InlineData(400)]
    [InlineData(1000)]
    public void The_systems_limit_is_an_error_that_names_it_and_all_goes_on(int mappings)
    {
        string[] lines = Run(mappings, "system");
        Assert.Contains("The operating system refused more", lines[1], StringComparison.Ordinal);
        Assert.Contains($"vm.max_map_count = {SystemPlatform.Current.MappingsMax}", lines[1], StringComparison.Ordinal);

        // The runtime's own mappings come and go.
        AssertWentOn(lines, mapsLeast: (mappings / 16) - 8, mapsMost: (mappings / 16) + 8);
    }

    private static (nint Address, Action Undo) Make(VmapAllocator vmap, Random random, Pfn[] frames)
    {
        switch (random.Next(3))
        {
            case 0:
                nint range = (nint)vmap.Alloc((nuint)random.Next(1, 100_000), random.Next(2) == 0 ? VmapFlags.None : VmapFlags.Guarded);
                return (range, () => vmap.Free((void*)range));
            case 1:
                nint map = (nint)vmap.Map(frames);
                return (map, () => vmap.Unmap((void*)map));
            default:
                nint shortMap = (nint)vmap.MapRam(frames);
                return (shortMap, () => vmap.UnmapRam((void*)shortMap, frames.Length));
        }
    }

    private static int CountMappings(nint low, nint high) => File.ReadLines("/proc/self/maps").Count(line =>
    {
        string[] ends = line.Split(' ')[0].Split('-');
        return nint.Parse(ends[0], NumberStyles.HexNumber, null) < high && nint.Parse(ends[1], NumberStyles.HexNumber, null) > low;
    });

    private static string[] Run(int mappings, string limit)
    {
        // With separate views of code for writing and running, each method that is compiled needs mappings of its own; with tiers, methods are
        // compiled again at any later time, by a thread that ends the process when it gets none.
        ChildResult child = ChildProcess.Run(
            "vmap-mappings",
            [mappings.ToString(CultureInfo.InvariantCulture), limit],
            new Dictionary<string, string>(StringComparer.Ordinal) { ["DOTNET_EnableWriteXorExecute"] = "0", ["DOTNET_TieredCompilation"] = "0" });
        Assert.True(child.ExitCode == 0, child.Output + child.Error);
        return child.Output.Split('\n');
    }

    private static void AssertWentOn(string[] lines, int mapsLeast, int mapsMost)
    {
        string[] made = lines[2].Split(["made ", ", then "], StringSplitOptions.RemoveEmptyEntries);
        Assert.InRange(int.Parse(made[0], CultureInfo.InvariantCulture), mapsLeast, mapsMost);
        Assert.InRange(int.Parse(made[1], CultureInfo.InvariantCulture), mapsLeast, mapsMost);

        // The one mapping is the free space.
        Assert.Equal("1 mappings and 0 frames at the end", lines[3]);
    }
}
