using NativeMm.Buffers;
using NativeMm.Platform;
using Xunit;

namespace NativeMm.Tests.Unit.Swap;

public sealed class FilePageMapTests : IDisposable
{
    private readonly FilePageMap _map = new(SystemPlatform.Current, 1000);

    public void Dispose() => _map.Dispose();

    [Fact]
    public void Batches_lie_one_behind_the_other()
    {
        Assert.Equal((64, 0L), Take(64));
        Assert.Equal((30, 64L), Take(30));
        Assert.Equal(94, _map.Pages);
        Assert.Equal(94, _map.Taken);
    }

    [Fact]
    public void Hole_that_is_long_enough_is_filled_before_the_file_grows()
    {
        Take(200);
        _map.Give(40, 64);
        Assert.Equal((64, 40L), Take(64));
        Assert.Equal(200, _map.Pages);
    }

    [Fact]
    public void File_grows_before_a_batch_is_torn_to_pieces()
    {
        Take(200);
        for (int i = 0; i < 200; i += 2)
        {
            _map.Give(i, 1);
        }

        Assert.Equal((32, 200L), Take(32));
    }

    [Fact]
    public void File_that_cannot_grow_is_filled_piece_by_piece_to_the_last_page()
    {
        while (_map.Taken < 1000)
        {
            Assert.InRange(Take(256).Count, 1, 256);
        }

        Assert.Equal(0, Take(1).Count);
        var given = new HashSet<long>();
        for (long i = 5; i < 1000; i += 7)
        {
            _map.Give(i, 1);
            given.Add(i);
        }

        while (Take(16) is { Count: > 0 } run)
        {
            Assert.Equal(1, run.Count);
            Assert.True(given.Remove(run.First));
        }

        Assert.Empty(given);
        Assert.Equal(1000, _map.Taken);
    }

    [Fact]
    public void Runs_never_overlap_whatever_is_given_back()
    {
        var random = new Random(4);
        var runs = new List<(int Count, long First)>();
        var taken = new bool[1000];
        for (int i = 0; i < 3000; i++)
        {
            if (runs.Count > 0 && random.Next(2) == 0)
            {
                int at = random.Next(runs.Count);
                (int count, long first) = runs[at];
                runs.RemoveAt(at);
                _map.Give(first, count);
                taken.AsSpan((int)first, count).Clear();
                continue;
            }

            (int got, long start) = Take(random.Next(1, 70));
            if (got == 0)
            {
                continue;
            }

            Assert.False(taken.AsSpan((int)start, got).Contains(true));
            taken.AsSpan((int)start, got).Fill(true);
            runs.Add((got, start));
        }

        Assert.Equal(taken.Count(t => t), _map.Taken);
        Assert.All(Enumerable.Range(0, (int)_map.Pages), page => Assert.Equal(taken[page], _map.IsTaken(page)));
    }

    private (int Count, long First) Take(int wanted) => (_map.TakeRun(wanted, out long first), first);
}
