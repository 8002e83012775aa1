using NativeMm.AddressSpaces;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Tests.Support.AddressSpaces;
using Xunit;

namespace NativeMm.Tests.Unit.AddressSpaces;

public sealed unsafe class VmaStateTests
{
    [Fact]
    public void Each_life_of_a_record_has_states_of_its_own()
    {
        var seen = new HashSet<VmaState>();
        var state = default(VmaState);
        for (ulong generation = 1; generation < 1000; generation++)
        {
            state = state.Take();
            Assert.False(state.IsDetached);
            Assert.Equal(generation, state.Generation);
            Assert.True(seen.Add(state));
            state = state.Detach();
            Assert.True(state.IsDetached);
            Assert.Equal(generation, state.Generation);
            Assert.Equal(state, state.Detach());
            Assert.True(seen.Add(state));
        }
    }

    [Fact]
    public void The_last_generation_is_followed_by_the_first_one()
    {
        VmaState last = new VmaState(ulong.MaxValue);
        Assert.True(last.IsDetached);
        Assert.Equal(new VmaState(0), last.Take());
    }

    [Fact]
    public void An_area_is_still_what_it_was_until_it_is_detached()
    {
        using var fixture = new LayoutFixture();
        fixture.Map(0, 4);
        Vma* area = fixture.Find(2);
        VmaState seen = area->State;
        Assert.True(area->IsStill(seen));
        Assert.False(area->IsStill(seen.Detach()));
        fixture.Protect(1, 2, Protection.Read);
        Assert.False(area->IsStill(seen));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_is_unmapped_and_mapped_identically_is_another_area(bool readersInside)
    {
        using var fixture = new LayoutFixture();
        var found = new HashSet<(nuint Area, VmaState State)>();
        for (int i = 0; i < 5000; i++)
        {
            fixture.Map(0, 4);
            Vma* area = fixture.Find(2);
            Assert.True(found.Add(((nuint)area, area->State)), "The same record in the same state twice.");
            VmaState seen = area->State;
            if (readersInside)
            {
                // Whoever is inside meanwhile keeps the record from being used again.
                using EpochGuard inside = fixture.Epochs.Enter();
                fixture.Unmap(0, 4);
                fixture.Map(0, 4);
                Assert.True(area->State == seen.Detach());
                Assert.False(area == fixture.Find(2));
                fixture.Unmap(0, 4);
                continue;
            }

            fixture.Unmap(0, 4);
            fixture.Map(0, 4);
            Assert.False(area->IsStill(seen));
            fixture.Unmap(0, 4);
        }

        // Otherwise nothing was shown about records that are used again.
        Assert.True(found.Select(one => one.Area).Distinct().Count() < found.Count / 2);
    }
}
