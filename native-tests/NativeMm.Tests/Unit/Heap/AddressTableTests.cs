using NativeMm.Heap;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Heap;

public sealed class AddressTableTests
{
    [LinuxTheory]
    [InlineData(0, 1)]
    [InlineData(1, 2)]
    [InlineData(2, 3)]
    [InlineData(3, 4)]
    [InlineData(1000, 5)]
    [InlineData(20_000, 6)]
    public void Sorted_for_the_end_every_entry_is_there_once_in_the_order_of_addresses(int count, int seed)
    {
        var platform = new FaultyPlatform();
        var random = new Random(seed);
        var model = new SortedDictionary<nuint, nuint>();
        using (var table = new AddressTable(platform))
        {
            while (model.Count < count)
            {
                nuint address = (nuint)random.NextInt64(1, 1L << 35) << 12;
                nuint bytes = (nuint)random.Next(1, 1 << 20) << 12;
                if (model.TryAdd(address, bytes))
                {
                    Assert.True(table.TryAdd(address, bytes));
                }
            }

            foreach (nuint gone in model.Keys.Where((_, i) => i % 3 == 1).ToArray())
            {
                model.Remove(gone);
                Assert.True(table.TryRemove(gone, out _));
            }

            Assert.Equal((nuint)model.Count, table.Sort());

            Assert.Equal(model.Select(entry => (entry.Key, entry.Value)), Enumerable.Range(0, model.Count).Select(slot => table.At((nuint)slot)));
        }

        platform.AssertNothingLeaked();
    }
}
