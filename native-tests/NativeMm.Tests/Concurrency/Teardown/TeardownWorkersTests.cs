using System.Diagnostics;
using NativeMm.Teardown;
using NativeMm.Tests.Support;
using NativeMm.Tests.Support.Teardown;
using Xunit;

namespace NativeMm.Tests.Concurrency.Teardown;

/// <summary>Jobs that several threads work on.</summary>
public sealed class TeardownWorkersTests
{
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    [InlineData(32)]
    public void Everything_is_done_once_at_every_width(int width)
    {
        using var workers = Make(width);
        for (int round = 0; round < 30; round++)
        {
            var job = new CountingJob(workers, 3000, bite: 1 + (round % 5)) { OnStep = _ => Thread.SpinWait(20) };
            job.BeginAll();
            workers.Run(job);
            Assert.Equal((3000, JobPhase.Done, 1), (job.Done, job.Phase, job.Finished));
            Assert.InRange(job.WidthReached, 1, width);
        }

        Assert.Equal((30, 30 * 3000L), (workers.Statistics.Jobs, workers.Statistics.Frames));
        Assert.InRange(workers.Threads, 0, width);
    }

    [Fact]
    public void A_second_thread_comes_when_it_is_wanted_and_takes_a_half()
    {
        using var workers = Make(2);
        var threads = new HashSet<int>();
        var job = new CountingJob(workers, 2_000_000, bite: 10);
        job.OnStep = _ =>
        {
            lock (threads)
            {
                threads.Add(Environment.CurrentManagedThreadId);
            }

            Thread.SpinWait(200);
        };
        job.BeginAll();
        workers.Run(job);
        Assert.Equal(2, threads.Count);
        Assert.Equal(2, workers.Statistics.WidthReached);
        Assert.Equal(2_000_000, job.Done);
    }

    [Fact]
    public void Nobody_waits_and_all_jobs_are_done()
    {
        using var workers = Make(3);
        using var ended = new CountdownEvent(1000);
        CountingJob[] jobs = [.. Enumerable.Range(0, 1000).Select(_ => new CountingJob(workers, 50) { Completion = (_, _) => ended.Signal() })];
        foreach (CountingJob job in jobs)
        {
            job.BeginAll();
            Assert.True(workers.TryQueue(job));
        }

        Assert.True(ended.Wait(s_timeout));
        Assert.All(jobs, job => Assert.Equal((50, JobPhase.Done), (job.Done, job.Phase)));
        Assert.InRange(workers.Threads, 1, 3);
    }

    [Fact]
    public void Jobs_begin_in_their_order()
    {
        using var workers = Make(1);
        using var ended = new CountdownEvent(20);
        var order = new List<int>();
        foreach (int number in Enumerable.Range(0, 20))
        {
            var job = new CountingJob(workers, 1) { OnStep = _ => order.Add(number), Completion = (_, _) => ended.Signal() };
            job.BeginAll();
            Assert.True(workers.TryQueue(job));
        }

        Assert.True(ended.Wait(s_timeout));
        Assert.Equal(Enumerable.Range(0, 20), order);
    }

    [Fact]
    public void The_end_does_what_is_pending_and_takes_nothing_more()
    {
        var workers = Make(2);
        CountingJob[] jobs = [.. Enumerable.Range(0, 100).Select(_ => new CountingJob(workers, 200) { OnStep = _ => Thread.SpinWait(50) })];
        foreach (CountingJob job in jobs)
        {
            job.BeginAll();
            Assert.True(workers.TryQueue(job));
        }

        workers.Dispose();
        Assert.All(jobs, job => Assert.Equal((200, JobPhase.Done), (job.Done, job.Phase)));
        Assert.Equal(0, workers.Threads);
        jobs[0].BeginAll();
        Assert.False(workers.TryQueue(jobs[0]));
        workers.Run(jobs[0]);
        Assert.Equal(JobPhase.Done, jobs[0].Phase);
        Assert.Equal(1, workers.Statistics.InlineWithoutWorker);
        workers.Dispose();
    }

    [Fact]
    public void Where_no_thread_can_be_made_the_work_is_done_all_the_same()
    {
        int refused = 0;
        using var workers = new TeardownWorkers(Options(2))
        {
            StartThread = _ =>
            {
                Interlocked.Increment(ref refused);
                throw new OutOfMemoryException();
            },
        };
        workers.Prepare();
        using var ended = new ManualResetEventSlim();
        var alone = new CountingJob(workers, 1000) { Completion = (_, _) => ended.Set() };
        alone.BeginAll();
        Assert.True(workers.TryQueue(alone));
        Assert.True(ended.Wait(s_timeout));
        Assert.Equal((1000, 1), (alone.Done, refused));
        Assert.Equal((0, 1L), (workers.Threads, workers.Statistics.InlineWithoutWorker));

        var awaited = new CountingJob(workers, 1000);
        awaited.BeginAll();
        workers.Run(awaited);
        Assert.Equal(1000, awaited.Done);
    }

    [Fact]
    public void Threads_go_when_there_is_nothing_to_do_and_come_again()
    {
        using var workers = new TeardownWorkers(Options(2)) { IdleTime = TimeSpan.FromMilliseconds(20) };
        workers.Prepare();
        for (int round = 0; round < 3; round++)
        {
            using var ended = new ManualResetEventSlim();
            var job = new CountingJob(workers, 10) { Completion = (_, _) => ended.Set() };
            job.BeginAll();
            Assert.True(workers.TryQueue(job));
            Assert.True(ended.Wait(s_timeout));
            Assert.True(SpinWait.SpinUntil(() => workers.Threads == 0, s_timeout));
        }
    }

    [Fact]
    public void Threads_that_go_while_others_cannot_be_made_are_all_counted()
    {
        int asked = 0;
        using var workers = new TeardownWorkers(Options(4))
        {
            IdleTime = TimeSpan.Zero,
            StartThread = body =>
            {
                if (Interlocked.Increment(ref asked) % 2 == 0)
                {
                    throw new OutOfMemoryException();
                }

                new Thread(body) { IsBackground = true }.Start();
            },
        };
        workers.Prepare();
        for (int round = 0; round < 1000; round++)
        {
            using var ended = new CountdownEvent(3);
            for (int i = 0; i < 3; i++)
            {
                var job = new CountingJob(workers, 4) { Completion = (_, _) => ended.Signal() };
                job.BeginAll();
                Assert.True(workers.TryQueue(job));
            }

            Assert.True(ended.Wait(s_timeout));
        }

        Assert.True(SpinWait.SpinUntil(() => workers.Threads == 0, s_timeout), $"{workers.Threads} threads are counted.");
    }

    [Fact]
    public void A_failing_worker_is_told_to_who_waits_and_loses_nothing_of_the_others()
    {
        using var workers = Make(4);
        var job = new CountingJob(workers, 4000, bite: 1) { OnStep = bite => _ = bite.First % 1000 == 500 ? throw new InvalidOperationException("step") : 0 };
        job.BeginAll();
        Assert.True(workers.TryQueue(job));
        Assert.Equal("step", Assert.Throws<InvalidOperationException>(() => workers.Await(job)).Message);
        Assert.Equal((3996, JobPhase.Done), (job.Done, job.Phase));
    }

    [Fact]
    public void Cancelled_beside_its_threads_a_job_loses_nothing()
    {
        using var workers = Make(4);
        for (int round = 0; round < 50; round++)
        {
            var job = new CountingJob(workers, 2000, bite: 3);
            int stop = round * 40;
            job.OnStep = bite =>
            {
                if (bite.First >= (ulong)stop)
                {
                    job.Cancel();
                }
            };
            job.BeginAll();
            Assert.True(workers.TryQueue(job));
            workers.Await(job);
            Assert.Contains(job.Phase, new[] { JobPhase.Done, JobPhase.Abandoned });
            while (job.Phase != JobPhase.Done)
            {
                job.OnStep = null;
                job.BeginAgain();
                workers.Run(job);
            }

            Assert.Equal(2000, job.Done);
        }
    }

    [Fact]
    public void Queueing_and_waiting_allocate_nothing()
    {
        using var workers = Make(2);
        var job = new CountingJob(workers, 100);
        QueueAndRun();
        Assert.Equal(0, ManagedBytes.Least(QueueAndRun));

        void QueueAndRun()
        {
            job.BeginAll();
            Assert.True(workers.TryQueue(job));
            workers.AwaitEnd(job);
            job.BeginAll();
            workers.Run(job);
        }
    }

    [Fact]
    public void The_processor_time_of_the_workers_is_the_jobs()
    {
        using var workers = Make(1);
        using var ended = new ManualResetEventSlim();
        var job = new CountingJob(workers, 20, bite: 1) { Completion = (_, _) => ended.Set() };
        job.OnStep = _ =>
        {
            for (long start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < TimeSpan.FromMilliseconds(2);)
            {
            }
        };
        job.BeginAll();
        Assert.True(workers.TryQueue(job));
        Assert.True(ended.Wait(s_timeout));
        Assert.InRange(job.CpuTime.TotalMilliseconds, 0.01, 60_000);
        Assert.Equal(job.CpuTime.TotalMilliseconds, workers.Statistics.CpuTime.TotalMilliseconds, 3);
    }

    private static TeardownWorkers Make(int width)
    {
        var workers = new TeardownWorkers(Options(width));
        workers.Prepare();
        return workers;
    }

    private static TeardownOptions Options(int width) => new() { MaxActive = width, MinimumGain = 0, StepTime = TimeSpan.FromMilliseconds(1) };
}
