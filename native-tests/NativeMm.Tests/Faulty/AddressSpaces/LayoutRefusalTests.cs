using NativeMm.AddressSpaces;
using NativeMm.Platform;
using NativeMm.Tests.Model.AddressSpaces;
using NativeMm.Tests.Support;
using NativeMm.Tests.Support.AddressSpaces;
using Xunit;
using Xunit.Sdk;

namespace NativeMm.Tests.Faulty.AddressSpaces;

/// <summary>Whatever the system or the tables refuse, at whichever step, the layout is what it was before.</summary>
public sealed class LayoutRefusalTests
{
    private const int ForGood = 1 << 30;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Each_refused_chunk_of_metadata_changes_nothing(int seed)
    {
        int refusals = 0;
        for (int n = 1; n <= 12; n++)
        {
            refusals += Run(seed, 250, fixture => fixture.Platform.FailCall(n, kind: PlatformCall.Reserve, times: 30));
        }

        Assert.True(refusals > 0);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(4)]
    public void Each_refused_table_changes_nothing(int seed)
    {
        int refusals = 0;
        for (int n = 1; n <= 20; n++)
        {
            refusals += Run(seed, 80, fixture => fixture.Tables.Refuse(n));
        }

        Assert.True(refusals >= 15, $"{refusals} refusals were seen.");
    }

    [Fact]
    public void Without_metadata_a_split_is_refused_and_whole_areas_still_go()
    {
        using var fixture = new LayoutFixture(chunkBytes: 32 << 10);
        ulong mapped = MapUntilRefused(fixture);
        string before = fixture.Areas;
        Assert.Equal(LayoutOutcome.NoMetadata, fixture.Layout.Unmap(LayoutFixture.Pages(1, 2)).Outcome);
        Assert.Equal(LayoutOutcome.NoMetadata, fixture.Layout.Protect(LayoutFixture.Pages(1, 2), Protection.None).Outcome);
        Assert.Equal(LayoutOutcome.NoMetadata, fixture.Remap(1, 2, 1, RemapFlags.MayMove | RemapFlags.Fixed, 100_000).Outcome);
        Assert.Equal(before, fixture.Areas);

        // What makes the layout no larger has memory of its own, and what it frees it uses again.
        for (ulong area = 0; area < mapped; area++)
        {
            fixture.Unmap(4 * area, (4 * area) + 1);
            fixture.Protect((4 * area) + 1, (4 * area) + 3, Protection.None);
            fixture.Unmap(4 * area, (4 * area) + 3);
        }

        Assert.Equal("", fixture.Areas);
    }

    [Fact]
    public void Without_metadata_a_fork_is_refused_and_the_parent_stays()
    {
        using var fixture = new LayoutFixture(chunkBytes: 32 << 10);
        MapUntilRefused(fixture);
        string before = fixture.Areas;
        using var child = new LayoutFixture();
        Assert.Equal(LayoutOutcome.NoMetadata, fixture.Layout.ForkTo(child.Layout).Outcome);
        Assert.Equal(before, fixture.Areas);
        Assert.Equal("", child.Areas);
    }

    [Fact]
    public void Without_tables_a_fork_is_refused_and_the_parent_stays()
    {
        using var fixture = new LayoutFixture();
        fixture.Map(0, 4);
        fixture.Map(8, 12, Protection.Read);
        fixture.Tables.Content[LayoutFixture.Base + 9] = 5;
        using var child = new LayoutFixture();
        fixture.Tables.Refuse(2);
        Assert.Equal(LayoutOutcome.NoFrames, fixture.Layout.ForkTo(child.Layout).Outcome);
        Assert.Equal("0-4 ReadWrite Forked, 8-12 Read Forked", fixture.Areas);
        Assert.Equal(5, fixture.Tables.Read(LayoutFixture.Base + 9));
        Assert.Equal("", child.Areas);
    }

    /// <summary>Maps areas of three pages until there is no memory for one more.</summary>
    private static ulong MapUntilRefused(LayoutFixture fixture)
    {
        fixture.Platform.FailCall(3, kind: PlatformCall.Reserve, times: ForGood);
        for (ulong area = 0; ; area++)
        {
            LayoutResult result = fixture.Layout.Map(new MapRequest(
                3, Protection.ReadWrite, VmaFlags.Special, Placement.Fixed, LayoutFixture.Base + (4 * area)));
            if (!result.IsDone)
            {
                Assert.Equal(LayoutOutcome.NoMetadata, result.Outcome);
                Assert.True(area > 10);
                return area;
            }
        }
    }

    private static int Run(int seed, int steps, Action<LayoutFixture> refuse)
    {
        using var fixture = new LayoutFixture(chunkBytes: 32 << 10);
        var random = new Random(seed);
        var model = new LayoutModel(fixture);
        refuse(fixture);
        try
        {
            for (int step = 0; step < steps; step++)
            {
                model.Step((uint)random.Next());
            }

            fixture.Platform.FailNothing();
            return model.Refusals;
        }
        catch (Exception e)
        {
            throw new XunitException($"Seed {seed}: {e.Message}{Environment.NewLine}After:{Environment.NewLine}{model.History}", e);
        }
    }
}
