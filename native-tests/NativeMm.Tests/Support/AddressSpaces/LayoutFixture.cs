using System.Globalization;
using NativeMm.AddressSpaces;
using NativeMm.Platform;
using NativeMm.Primitives;
using Xunit;

namespace NativeMm.Tests.Support.AddressSpaces;

/// <summary>A layout over a dictionary of pages. Pages are counted from <see cref="Base"/>.</summary>
internal sealed unsafe class LayoutFixture : IDisposable
{
    /// <summary>Page 0 of a test.</summary>
    public const ulong Base = 4096;

    /// <summary>The smallest chunk with which every change of a small layout fits.</summary>
    public const nuint SmallChunk = 128 << 10;

    public LayoutFixture(AddressSpaceOptions? options = null, FaultyPlatform? platform = null, nuint chunkBytes = SmallChunk)
    {
        Options = options ?? new AddressSpaceOptions();
        Platform = platform ?? new FaultyPlatform();
        Layout = new AreaLayout(Platform, Tables, Options, Epochs, chunkBytes);
    }

    public AddressSpaceOptions Options { get; }

    public FaultyPlatform Platform { get; }

    public EpochDomain Epochs { get; } = new();

    public ModelPageTables Tables { get; } = new();

    public AreaLayout Layout { get; }

    /// <summary>The areas as <c>0-3 ReadWrite, 5-9 Read HugePages</c>.</summary>
    public string Areas => string.Join(", ", AllAreas().Select(Text));

    /// <summary>A range of pages of the test.</summary>
    public static VpnRange Pages(ulong start, ulong end) => new(Base + start, Base + end);

    public AreaSpec[] AllAreas()
    {
        var areas = new AreaSpec[(int)Layout.GetStatistics().Areas];
        Assert.Equal(areas.Length, Layout.CopyAreas(areas));
        return areas;
    }

    /// <summary>Maps an area where it is said.</summary>
    public void Map(ulong start, ulong end, Protection protection = Protection.ReadWrite, VmaFlags flags = VmaFlags.None) =>
        Done(Layout.Map(new MapRequest(end - start, protection, flags, Placement.FixedNoReplace, Base + start)));

    public void Unmap(ulong start, ulong end) => Done(Layout.Unmap(Pages(start, end)));

    public void Protect(ulong start, ulong end, Protection protection) => Done(Layout.Protect(Pages(start, end), protection));

    public LayoutResult Remap(ulong start, ulong end, ulong pages, RemapFlags flags = RemapFlags.None, ulong target = 0) =>
        Layout.Remap(Pages(start, end), pages, flags, Base + target);

    public Vma* Find(ulong page) => Layout.Tree.Find(Base + page);

    public static void Done(LayoutResult result) => Assert.Equal(LayoutOutcome.Done, result.Outcome);

    /// <summary>Checks the layout, ends it, and checks that nothing is left.</summary>
    public void Dispose()
    {
        if (!Layout.HasEnded)
        {
            Layout.Validate();
            Layout.End();
        }

        Layout.Release();
        Platform.AssertNothingLeaked();
    }

    private static string Text(AreaSpec area) => string.Create(
        CultureInfo.InvariantCulture,
        $"{area.Pages.Start - Base}-{area.Pages.End - Base} {area.Protection}{(area.Flags == VmaFlags.None ? "" : $" {area.Flags}")}");
}
