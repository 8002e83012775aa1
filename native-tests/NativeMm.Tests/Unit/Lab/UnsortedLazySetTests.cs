using System.Diagnostics;
using NativeMm.Lab.Baselines;
using NativeMm.Platform;
using NativeMm.Tests.Support;
using NativeMm.Vmap;
using Xunit;

namespace NativeMm.Tests.Unit.Lab;

/// <summary>The baseline must lose nothing and invent nothing, or whatever is measured against it proves nothing.</summary>
public sealed unsafe class UnsortedLazySetTests
{
    private const uint Window = 1 << 14;
    private static readonly FreeSpaceGeometry s_geometry = new(SystemPlatform.Current, 0, Window, Window);

    [Fact]
    public void Ranges_come_out_newest_first_and_are_not_merged()
    {
        using var set = new UnsortedLazySet(s_geometry);
        set.Add(new PageRange(10, 2));
        set.Add(new PageRange(12, 1));
        set.Add(new PageRange(0, 4));

        Assert.Equal(3, set.Pieces);
        Assert.Equal(new PageRange(0, 13), set.Span);
        Assert.Equal(7, set.Validate());
        Assert.Equal([new PageRange(0, 4), new PageRange(12, 1), new PageRange(10, 2)], Detach(set));
        Assert.Equal(0, set.Pieces);
        Assert.Equal(default, set.Span);
        Assert.Empty(Detach(set));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Any_history_is_that_of_a_plain_list(int seed)
    {
        var random = new Random(seed);
        var model = new List<PageRange>();
        var history = new List<string>();
        using var set = new UnsortedLazySet(s_geometry);
        for (int step = 0; step < 4_000; step++)
        {
            if (random.Next(200) == 0)
            {
                history.Add("detach");
                model.Reverse();
                Check(model.SequenceEqual(Detach(set)), "the pieces differ");
                model.Clear();
            }
            else
            {
                var range = new PageRange((uint)random.Next((int)Window - 16), (uint)random.Next(1, 17));
                if (!model.Any(r => r.Start < range.End && range.Start < r.End))
                {
                    history.Add(range.ToString());
                    set.Add(range);
                    model.Add(range);
                }
            }

            Check(set.Pieces == model.Count, "the number of pieces differs");
            Check(step % 50 != 0 || set.Validate() == model.Sum(r => r.Pages), "the pages differ");
            Check(step % 50 != 0 || set.Span == SpanOf(model), "the first or last page differs");
        }

        void Check(bool condition, string what) => Assert.True(condition, $"Seed {seed}: {what} after {string.Join("; ", history)}");
    }

    [Fact]
    public void Ranges_outside_the_window_are_refused()
    {
        using var set = new UnsortedLazySet(s_geometry);

        Assert.ThrowsAny<Exception>(() => set.Add(new PageRange(Window - 1, 2)));
        Assert.ThrowsAny<Exception>(() => set.Add(new PageRange(3, 0)));
        Assert.Equal(0, set.Validate());
    }

    [Fact]
    public void What_many_threads_add_while_one_detaches_comes_out_exactly_once()
    {
        const int Adders = 3;
        const int Share = (int)Window / Adders;
        const int Rounds = 20;
        using var set = new UnsortedLazySet(s_geometry);
        int[] seen = new int[Window];
        int[] owed = new int[Window];
        StartGate.Run(Adders + 1, thread =>
        {
            if (thread == Adders)
            {
                int left = Adders * Share * Rounds;
                var clock = Stopwatch.StartNew();
                while (left > 0)
                {
                    Assert.True(clock.Elapsed < StartGate.DefaultTimeout, $"{left} pages did not come.");
                    foreach (PageRange range in Detach(set))
                    {
                        Assert.Equal(1u, range.Pages);
                        Assert.Equal(1, Interlocked.Exchange(ref owed[range.Start], 0));
                        seen[range.Start]++;
                        left--;
                    }
                }

                return;
            }

            for (int round = 0; round < Rounds; round++)
            {
                for (int i = 0; i < Share; i++)
                {
                    int page = (thread * Share) + i;
                    Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref owed[page]) == 0, StartGate.DefaultTimeout), $"Page {page} was not detached.");
                    Volatile.Write(ref owed[page], 1);
                    set.Add(new PageRange((uint)page, 1));
                }
            }
        });

        Assert.Equal(0, set.Validate());
        Assert.All(seen.Take(Adders * Share), count => Assert.Equal(Rounds, count));
    }

    private static PageRange[] Detach(UnsortedLazySet set)
    {
        var pieces = new PageRange[Window];
        fixed (PageRange* into = pieces)
        {
            return pieces[..set.Detach(into)];
        }
    }

    private static PageRange SpanOf(List<PageRange> ranges) =>
        ranges.Count == 0 ? default : new PageRange(ranges.Min(r => r.Start), ranges.Max(r => r.End) - ranges.Min(r => r.Start));
}
