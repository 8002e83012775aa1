using Xunit;

namespace NativeMm.Tests.Architecture;

public sealed class LayerTableTests
{
    private static readonly ILookup<string, string> s_types =
        SourceFile.All.ToLookup(file => file.Folder, file => file.Name[..file.Name.IndexOf('.', StringComparison.Ordinal)]);

    [Fact]
    public void Every_folder_is_in_the_table()
    {
        Assert.All(SourceFile.All.Where(file => file.Folder.Length > 0), file => Assert.True(LayerTable.Knows(file.Folder), file.Path));
        Assert.Contains(SourceFile.All, file => file.Folder == "Primitives");
    }

    [Fact]
    public void Arrows_point_down_only() => Assert.Empty(SourceFile.All.SelectMany(file => LayerTable.Violations(file, s_types)));

    [Theory]
    [InlineData("Platform", "using NativeMm.Diagnostics;")]
    [InlineData("Primitives", "using static NativeMm.Platform.SystemPlatform;")]
    [InlineData("Diagnostics", "using Os = NativeMm.Platform.LinuxPlatform;")]
    [InlineData("Frames", "NativeMm.Heap.NativeHeap heap;")]
    [InlineData("Frames", "global::NativeMm.Runtime.MemoryRuntime r;")]
    [InlineData("Primitives", "Frames.FrameZone zone;")]
    [InlineData("Heap", "using NativeMm . Vmap;")]
    [InlineData("", "using NativeMm.Primitives;")]
    [InlineData("Pages", "Arena arena;")]
    [InlineData("Buffers", "namespace NativeMm.Buffers; PageTable table;")]
    public void Control_that_points_up_or_sideways_is_caught(string folder, string text) =>
        Assert.Single(LayerTable.Violations(SourceFile.FromText(folder, "Bad.cs", text), s_types));

    [Theory]
    [InlineData("Frames", "using NativeMm.Primitives; using NativeMm.Platform;")]
    [InlineData("Buffers", "using NativeMm.Runtime;")]
    [InlineData("Frames", "namespace NativeMm.Frames;")]
    [InlineData("Pages", "namespace NativeMm.Buffers; PageTable table;")]
    [InlineData("Primitives", "// using NativeMm.Heap;")]
    [InlineData("Primitives", "/* NativeMm.Heap */ string s = \"NativeMm.Heap\";")]
    [InlineData("Heap", "runtime.Buffers.Count(); Buffers.Clear();")]
    public void What_points_down_or_is_no_code_is_allowed(string folder, string text) =>
        Assert.Empty(LayerTable.Violations(SourceFile.FromText(folder, "Good.cs", text), s_types));
}
