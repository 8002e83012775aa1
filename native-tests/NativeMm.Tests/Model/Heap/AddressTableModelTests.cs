using NativeMm.Heap;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Model;

/// <summary>The table of addresses against a dictionary.</summary>
public sealed class AddressTableModelTests
{
    [Theory]
    [InlineData(1, 60)]
    [InlineData(2, 700)]
    [InlineData(3, 5000)]
    public void Equals_a_dictionary(int seed, int addressesMax)
    {
        var platform = new FaultyPlatform();
        var random = new Random(seed);
        var model = new Dictionary<nuint, nuint>();
        using (var table = new AddressTable(platform))
        {
            for (int step = 0; step < 40_000; step++)
            {
                nuint address = (nuint)random.Next(1, addressesMax) << 12;
                if (model.TryGetValue(address, out nuint bytes))
                {
                    Assert.Equal(bytes, table.BytesOf(address));
                    if (random.Next(3) != 0)
                    {
                        Assert.True(table.TryRemove(address, out nuint removed), $"Seed {seed}, step {step}.");
                        Assert.Equal(bytes, removed);
                        model.Remove(address);
                    }
                }
                else
                {
                    Assert.False(table.TryRemove(address, out _), $"Seed {seed}, step {step}.");
                    Assert.True(table.TryAdd(address, (nuint)step + 1));
                    model.Add(address, (nuint)step + 1);
                }
            }

            Assert.Equal(model.OrderBy(entry => entry.Key), All(table).OrderBy(entry => entry.Key));
            Assert.Equal((nuint)model.Count, table.Count);
        }

        platform.AssertNothingLeaked();
    }

    [Fact]
    public void Refused_growth_changes_nothing_and_removal_needs_no_memory()
    {
        var platform = new FaultyPlatform();
        using var table = new AddressTable(platform);
        nuint address = 4096;
        while (platform.Calls(PlatformCall.Reserve) < 2)
        {
            Assert.True(table.TryAdd(address, address));
            address += 4096;
        }

        nuint added = table.Count;
        platform.FailCall(1, kind: PlatformCall.Reserve, times: int.MaxValue);
        while (table.TryAdd(address, address))
        {
            address += 4096;
        }

        Assert.True(table.Count > added);
        Assert.Equal(0u, table.BytesOf(address));
        for (nuint removed = 4096; removed < address; removed += 4096)
        {
            Assert.True(table.TryRemove(removed, out nuint bytes));
            Assert.Equal(removed, bytes);
        }

        Assert.Equal(0u, table.Count);
    }

    private static List<KeyValuePair<nuint, nuint>> All(AddressTable table)
    {
        var all = new List<KeyValuePair<nuint, nuint>>();
        nuint position = 0;
        while (table.TryNext(ref position, out nuint address, out nuint bytes))
        {
            all.Add(new(address, bytes));
        }

        return all;
    }
}
