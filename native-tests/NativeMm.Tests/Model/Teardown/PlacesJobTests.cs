using NativeMm.Teardown;
using NativeMm.Tests.Support.Teardown;
using Xunit;

namespace NativeMm.Tests.Model.Teardown;

/// <summary>Whatever is bitten off and split in whatever order: every unit is done once.</summary>
public sealed class PlacesJobTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Every_unit_is_done_once(int seed)
    {
        var random = new Random(seed);
        for (int round = 0; round < 60; round++)
        {
            ulong[] places = [.. Enumerable.Range(0, random.Next(0, 40)).Select(_ => random.Next(4) switch { 0 => 0UL, 1 => 1UL, 2 => (ulong)random.Next(10), _ => (ulong)random.Next(3000) })];
            AssertAllDoneOnce(places, random, $"seed {seed}, round {round}: {string.Join(' ', places)}");
        }
    }

    [Fact]
    public void Long_rows_of_nothing_end()
    {
        var places = new ulong[100_000];
        places[77_777] = 5;

        AssertAllDoneOnce(places, new Random(7), "one among nothing");
    }

    [Fact]
    public void One_huge_place_among_many_small_ones_is_shared_out()
    {
        ulong[] places = [.. Enumerable.Repeat(1UL, 500), 1_000_000, .. Enumerable.Repeat(1UL, 500)];
        using var workers = new TeardownWorkers(new TeardownOptions { MaxActive = 2 });
        var job = new PlacesJobUnderTest(workers, places, bite: 1000);
        List<WorkPiece> pieces = [job.All];

        // The largest one is divided, as thieves do it.
        for (int split = 0; split < 40; split++)
        {
            int largest = pieces.IndexOf(pieces.MaxBy(job.UnitsIn));
            WorkPiece rest = pieces[largest];
            if (job.Split(ref rest, out WorkPiece half))
            {
                pieces[largest] = rest;
                pieces.Add(half);
            }
        }

        Assert.InRange(pieces.Max(job.UnitsIn), 1000UL, 100_000UL);
        Assert.Equal(1_001_000UL, pieces.Aggregate(0UL, (sum, piece) => sum + job.UnitsIn(piece)));
    }

    private static void AssertAllDoneOnce(ulong[] places, Random random, string what)
    {
        using var workers = new TeardownWorkers(new TeardownOptions { MaxActive = 2 });
        var job = new PlacesJobUnderTest(workers, places, bite: (ulong)random.Next(1, 200));
        List<WorkPiece> pieces = [job.All];
        while (pieces.Count != 0)
        {
            int index = random.Next(pieces.Count);
            WorkPiece piece = pieces[index];
            if (random.Next(4) == 0 && job.Split(ref piece, out WorkPiece half))
            {
                pieces.Add(half);
            }
            else if (job.Bite(ref piece, out WorkPiece bite))
            {
                job.Do(bite);
            }
            else
            {
                pieces.RemoveAt(index);
                continue;
            }

            pieces[index] = piece;
        }

        Assert.True(job.IsAllDoneOnce, what);
    }
}
