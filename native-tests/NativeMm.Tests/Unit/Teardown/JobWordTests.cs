using NativeMm.Teardown;
using Xunit;

namespace NativeMm.Tests.Unit.Teardown;

/// <summary>The transitions of a job's state word, without threads.</summary>
public sealed class JobWordTests
{
    [Fact]
    public void Threads_come_only_while_it_is_queued_or_runs()
    {
        foreach (JobPhase phase in Enum.GetValues<JobPhase>())
        {
            bool enters = new JobWord(phase).TryEnter(1, out JobWord next);
            Assert.Equal(phase is JobPhase.Queued or JobPhase.Running, enters);
            Assert.True(!enters || next is { Phase: JobPhase.Running, Inside: 1 });
        }
    }

    [Fact]
    public void No_more_come_than_are_wanted_and_all_but_the_last_may_just_leave()
    {
        const int Width = TeardownOptions.ActiveLimit + 1;
        var word = new JobWord(JobPhase.Queued);
        for (int inside = 0; inside < Width; inside++)
        {
            Assert.Equal(inside, word.Inside);
            Assert.True(word.TryEnter(Width, out word));
        }

        Assert.False(word.TryEnter(Width, out _));
        for (int inside = Width; inside > 1; inside--)
        {
            Assert.True(word.TryLeave(out word));
            Assert.Equal((JobPhase.Running, inside - 1), (word.Phase, word.Inside));
        }

        Assert.False(word.TryLeave(out _));
        Assert.Equal((JobPhase.Finishing, 0), (JobWord.Finishing.Phase, JobWord.Finishing.Inside));
        Assert.False(JobWord.Finishing.HasEnded);
    }

    [Fact]
    public void Who_came_and_left_is_noticed()
    {
        Assert.True(new JobWord(JobPhase.Queued).TryEnter(2, out JobWord before));
        Assert.True(before.TryEnter(2, out JobWord word));
        Assert.True(word.TryLeave(out JobWord behind));
        Assert.NotEqual(before, behind);
        Assert.Equal((before.Phase, before.Inside), (behind.Phase, behind.Inside));
    }

    [Fact]
    public void The_count_of_those_who_came_wraps_around_and_touches_nothing_else()
    {
        var word = new JobWord(JobPhase.Queued);
        for (int i = 0; i < 3 << 16; i++)
        {
            Assert.True(word.TryEnter(2, out word));
            if (word.Inside == 2)
            {
                Assert.True(word.TryLeave(out word));
            }

            if (word is not { Phase: JobPhase.Running, Inside: 1 })
            {
                Assert.Fail($"After {i} entries: {word}");
            }
        }
    }
}
