using Xunit;

namespace NativeMm.Extensions.Tests.Caching;

/// <summary>Evictions by tag.</summary>
public sealed class OutputTagsTests
{
    private static readonly DateTimeOffset s_now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Eviction_hides_what_was_set_before_it_and_nothing_else()
    {
        var tags = new OutputTags();
        byte[] before = Head(tags, "a", "b");
        byte[] other = Head(tags, "c");
        byte[] none = Head(tags);
        tags.Evict("b", s_now);
        byte[] after = Head(tags, "a", "b");
        Assert.False(tags.IsValid(before, out int headBytes));
        Assert.Equal(before.Length, headBytes);
        Assert.True(tags.IsValid(other, out _));
        Assert.True(tags.IsValid(none, out _));
        Assert.True(tags.IsValid(after, out _));
    }

    [Fact]
    public void Tags_whose_entries_are_all_over_are_forgotten()
    {
        var tags = new OutputTags();
        Head(tags, "a");
        for (int i = 0; i < 63; i++)
        {
            tags.Evict($"tag {i}", s_now);
        }

        Assert.Equal(63, tags.Count);
        tags.Evict("last", s_now.AddMinutes(2));
        Assert.Equal(0, tags.Count);
    }

    [Fact]
    public void Entry_stays_hidden_as_long_as_it_lives_however_many_tags_are_evicted()
    {
        var tags = new OutputTags(tagsMax: 100);
        byte[] hidden = Head(tags, "a");
        byte[] untagged = Head(tags);
        tags.Evict("a", s_now);
        for (int i = 0; i < 1000; i++)
        {
            tags.Evict($"tag {i}", s_now);
            Assert.InRange(tags.Count, 0, 100);
            Assert.False(tags.IsValid(hidden, out _));
        }

        Assert.True(tags.IsValid(untagged, out _));
        Assert.True(tags.IsValid(Head(tags, "a"), out _));
    }

    [Fact]
    public void Null_among_the_tags_is_refused() =>
        Assert.Throws<ArgumentException>("tags", () => new OutputTags().Head(["a", null!], s_now, TimeSpan.FromMinutes(1)));

    [Fact]
    public void What_lives_for_ever_has_an_end_that_can_be_told()
    {
        var tags = new OutputTags();
        byte[] head = tags.Head(["a"], s_now, TimeSpan.MaxValue);
        tags.Evict("a", s_now);
        for (int i = 0; i < 64; i++)
        {
            tags.Evict($"tag {i}", s_now.AddYears(1000));
        }

        Assert.False(tags.IsValid(head, out _));
    }

    [Fact]
    public async Task Nothing_set_before_an_eviction_is_seen_after_it_while_others_evict()
    {
        var tags = new OutputTags(tagsMax: 64);
        using var stop = new CancellationTokenSource();
        Task noise = Task.Run(() =>
        {
            for (int i = 0; !stop.IsCancellationRequested; i++)
            {
                tags.Evict($"noise {i % 1000}", s_now);
            }
        });
        for (int i = 0; i < 20_000; i++)
        {
            byte[] head = Head(tags, "a");
            tags.Evict("a", s_now);
            Assert.False(tags.IsValid(head, out _));
        }

        await stop.CancelAsync();
        await noise.WaitAsync(CacheFixture.Timeout);
    }

    private static byte[] Head(OutputTags tags, params string[] names) => tags.Head(names, s_now, TimeSpan.FromMinutes(1));
}
