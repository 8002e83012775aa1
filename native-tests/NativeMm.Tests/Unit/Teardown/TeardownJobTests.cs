using System.Diagnostics;
using NativeMm.Diagnostics;
using NativeMm.Teardown;
using NativeMm.Tests.Support.Teardown;
using Xunit;

namespace NativeMm.Tests.Unit.Teardown;

/// <summary>One job on the thread of whoever has it done.</summary>
public sealed class TeardownJobTests
{
    private static readonly TeardownWorkers s_none = new(new TeardownOptions { MaxActive = 4 });

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(1000)]
    public void Everything_is_done_once(int numbers)
    {
        var job = new CountingJob(s_none, numbers);
        job.BeginAll();
        s_none.Run(job);
        Assert.Equal(numbers, job.Done);
        Assert.Equal((JobPhase.Done, 1, true), (job.Phase, job.Finished, job.WasDone!.Value));
        Assert.Equal(numbers * 4096L, job.Progress.BytesDone);
        Assert.Equal((numbers + 3) / 4, job.Progress.Steps);
        Assert.Equal(numbers, job.Frames);
    }

    [Fact]
    public void The_first_exception_reaches_who_waits_and_all_the_rest_is_done()
    {
        var job = new CountingJob(s_none, 100) { OnStep = bite => throw new InvalidOperationException($"at {bite.First}") };
        job.BeginAll();
        InvalidOperationException thrown = Assert.Throws<InvalidOperationException>(() => s_none.Run(job));
        Assert.Equal("at 0", thrown.Message);
        Assert.Equal((0, JobPhase.Done), (job.Done, job.Phase));

        job.OnStep = bite => _ = bite.First == 40 ? throw new InvalidOperationException("one") : 0;
        job.BeginAll();
        Assert.Equal("one", Assert.Throws<InvalidOperationException>(() => s_none.Run(job)).Message);
        Assert.Equal(96, job.Done);
    }

    [Fact]
    public void A_cancelled_job_keeps_what_is_left_and_goes_on_with_it()
    {
        var job = new CountingJob(s_none, 100);
        job.OnStep = bite =>
        {
            if (bite.First == 20)
            {
                job.Cancel();
            }
        };
        job.BeginAll();
        s_none.Run(job);
        Assert.Equal((24, JobPhase.Abandoned, false), (job.Done, job.Phase, job.WasDone!.Value));
        Assert.Equal(100 * 4096L, job.Progress.BytesTotal);
        job.BeginAgain();
        s_none.Run(job);
        Assert.Equal((100, JobPhase.Done, true), (job.Done, job.Phase, job.WasDone!.Value));
        Assert.Equal(100 * 4096L, job.Progress.BytesDone);
    }

    [Fact]
    public void A_cancellation_with_the_last_step_is_an_end()
    {
        var job = new CountingJob(s_none, 4);
        job.OnStep = _ => job.Cancel();
        job.BeginAll();
        s_none.Run(job);
        Assert.Equal(JobPhase.Done, job.Phase);
        Assert.Throws<InvariantViolationException>(job.BeginAgain);
    }

    [Fact]
    public void Progress_only_grows_and_ends_with_everything()
    {
        var seen = new List<TeardownProgress>();
        var workers = new TeardownWorkers(new TeardownOptions { MaxActive = 1, StepTime = TimeSpan.FromMilliseconds(1) });
        var job = new CountingJob(workers, 1000) { Listener = new Listener(seen.Add) };
        job.OnStep = _ => SpinFor(TimeSpan.FromMicroseconds(50));
        job.BeginAll();
        workers.Run(job);
        Assert.InRange(seen.Count, 2, 1000);
        Assert.Equal(1000 * 4096L, seen[^1].BytesDone);
        Assert.All(seen.Zip(seen.Skip(1)), pair => Assert.True(pair.First.BytesDone <= pair.Second.BytesDone && pair.First.CpuTime <= pair.Second.CpuTime));
        Assert.True(job.CpuTime > TimeSpan.Zero);
    }

    [Fact]
    public void What_a_listener_throws_reaches_who_waits()
    {
        var job = new CountingJob(s_none, 100) { Listener = new Listener(_ => throw new InvalidOperationException("listener")) };
        job.BeginAll();
        Assert.Equal("listener", Assert.Throws<InvalidOperationException>(() => s_none.Run(job)).Message);
        Assert.Equal(100, job.Done);
    }

    [Fact]
    public void It_is_begun_by_its_owner_alone()
    {
        var job = new CountingJob(s_none, 100);
        job.BeginAll();
        Assert.Throws<InvariantViolationException>(job.BeginAll);
        Assert.Equal(JobPhase.Queued, job.Phase);
        s_none.Run(job);
        job.BeginAll();
        Assert.Equal(0, job.Progress.BytesDone);
    }

    [Fact]
    public void Who_is_told_of_the_end_may_begin_it_again()
    {
        var ends = new List<(Exception? Failure, bool IsDone)>();
        var job = new CountingJob(s_none, 8);
        job.Completion = (failure, isDone) =>
        {
            ends.Add((failure, isDone));
            job.BeginAll();
        };
        job.BeginAll();
        Assert.True(job.TryEnter(1));
        job.WorkInside(isWorker: false);
        Assert.Equal([(null, true)], ends);
        Assert.Equal(JobPhase.Queued, job.Phase);
    }

    private static void SpinFor(TimeSpan time)
    {
        for (long start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < time;)
        {
        }
    }

    private sealed class Listener(Action<TeardownProgress> report) : IProgress<TeardownProgress>
    {
        public void Report(TeardownProgress value) => report(value);
    }
}
