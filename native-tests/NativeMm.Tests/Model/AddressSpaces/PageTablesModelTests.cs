using NativeMm.AddressSpaces;
using NativeMm.Tests.Unit.AddressSpaces;
using Xunit;

namespace NativeMm.Tests.Model.AddressSpaces;

/// <summary>Tables equal a naive map from pages to frames, for seeded lists of operations that print themselves.</summary>
public sealed unsafe class PageTablesModelTests
{
    private const int Operations = 300;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public void Walk_equals_a_map(int seed)
    {
        using var fixture = new TablesFixture();
        var random = new Random(seed);
        var model = new SortedDictionary<ulong, nuint>();
        var log = new List<string>();
        for (int i = 0; i < Operations; i++)
        {
            Step(fixture, random, model, log);
            fixture.Tables.Validate();
            AssertEqual(fixture.Tables, model, seed, log);
        }
    }

    private static void Step(TablesFixture fixture, Random random, SortedDictionary<ulong, nuint> model, List<string> log)
    {
        ulong page = Page(random);
        var range = new VpnRange(page, ulong.Min(page + (ulong)random.Next(1, 1500), PageTables.Pages));
        switch (random.Next(6))
        {
            case 0 when random.Next(4) == 0:
                log.Add($"clear {range}");
                fixture.Tables.Clear(range);
                Remove(model, range);
                break;
            case 1 when TryDestination(random, model, range, out ulong destination):
                log.Add($"move {range} to {destination:x}");
                Assert.True(fixture.Tables.TryPrepareMove(range, destination));
                fixture.Tables.Move(range, destination);
                foreach ((ulong at, nuint address) in Remove(model, range))
                {
                    model[at - range.Start + destination] = address;
                }

                break;
            default:
                if (!model.ContainsKey(page))
                {
                    log.Add($"install {page:x}");
                    model[page] = fixture.Install(page);
                }

                break;
        }
    }

    /// <summary>Pages near the borders of tables of every level.</summary>
    private static ulong Page(Random random)
    {
        ulong near = 1UL << (9 * random.Next(1, 4));
        ulong page = ((ulong)random.Next(3) * near) + (ulong)random.Next(0, 1200);
        return page < PageTables.Pages ? page : PageTables.Pages - 1 - (page % 1000);
    }

    private static bool TryDestination(Random random, SortedDictionary<ulong, nuint> model, VpnRange range, out ulong destination)
    {
        ulong candidate = Page(random) + 4096;
        destination = candidate;
        var target = new VpnRange(candidate, candidate + range.Pages);
        return target.End <= PageTables.Pages && target.Intersect(range).IsEmpty && !model.Keys.Any(target.Contains);
    }

    private static List<(ulong Page, nuint Address)> Remove(SortedDictionary<ulong, nuint> model, VpnRange range)
    {
        List<(ulong, nuint)> removed = [.. model.Where(pair => range.Contains(pair.Key)).Select(pair => (pair.Key, pair.Value))];
        foreach ((ulong page, _) in removed)
        {
            model.Remove(page);
        }

        return removed;
    }

    private static void AssertEqual(PageTables tables, SortedDictionary<ulong, nuint> model, int seed, List<string> log)
    {
        string trace = $"Seed {seed}: {string.Join("; ", log)}";
        Assert.True(tables.Count().Resident == model.Count, trace);
        foreach ((ulong page, nuint address) in model)
        {
            Assert.True(tables.Look(page) == LeafEntry.Present(address, 0), $"Page {page:x}. {trace}");
        }
    }
}
