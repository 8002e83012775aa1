using NativeMm.Primitives;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Concurrency.Primitives;

public sealed class ReaderWriterSleepLockTests
{
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(30);
    private ReaderWriterSleepLock _lock;
    private long _value;
    private int _readersInside;

    [Fact]
    public void A_writer_is_alone_and_readers_are_not()
    {
        const int Threads = 4;
        const int Rounds = 4000;
        StartGate.Run(Threads, thread =>
        {
            for (int i = 0; i < Rounds; i++)
            {
                if (thread < 2)
                {
                    _lock.EnterWrite();
                    Assert.Equal(0, Volatile.Read(ref _readersInside));
                    _value++;
                    _lock.ExitWrite();
                    continue;
                }

                _lock.EnterRead();
                Interlocked.Increment(ref _readersInside);
                long seen = _value;
                Assert.Equal(seen, Volatile.Read(ref _value));
                Interlocked.Decrement(ref _readersInside);
                _lock.ExitRead();
            }
        });
        Assert.Equal(2 * Rounds, _value);
        Assert.False(_lock.HasWriter);
    }

    [Fact]
    public void Two_readers_are_inside_together()
    {
        using var both = new Barrier(2);
        StartGate.Run(2, _ =>
        {
            _lock.EnterRead();
            Assert.True(both.SignalAndWait(s_timeout), "The other one did not come in.");
            _lock.ExitRead();
        });
    }

    [Fact]
    public void A_reader_who_comes_after_a_waiting_writer_waits_for_that_one_and_no_other()
    {
        using var writerInside = new Rendezvous(s_timeout);
        var turns = new List<string>();
        _lock.EnterRead();
        Thread first = Start(() =>
        {
            _lock.EnterWrite();
            writerInside.Wait();
            turns.Add("writer");
            _lock.ExitWrite();
        });
        Assert.True(SpinWait.SpinUntil(() => _lock.HasWriter, s_timeout));
        using var readerStarted = new ManualResetEventSlim();
        Thread reader = Start(() =>
        {
            readerStarted.Set();
            _lock.EnterRead();
            lock (turns)
            {
                turns.Add("reader");
            }

            _lock.ExitRead();
        });
        Assert.True(readerStarted.Wait(s_timeout));
        _lock.ExitRead();
        writerInside.AwaitArrival();
        Assert.True(reader.IsAlive);

        // The next writer takes the lock in the moment in which the first gives it up; the reader goes in all the same.
        Thread second = Start(() =>
        {
            _lock.EnterWrite();
            _lock.ExitWrite();
        });
        writerInside.Release();
        Assert.True(first.Join(s_timeout) && reader.Join(s_timeout) && second.Join(s_timeout));
        Assert.Equal(["writer", "reader"], turns);
    }

    [Fact]
    public void An_interrupt_stays_pending_and_the_wait_goes_on()
    {
        _lock.EnterWrite();
        bool wasInterrupted = false;
        using var started = new ManualResetEventSlim();
        Thread reader = Start(() =>
        {
            started.Set();
            _lock.EnterRead();
            _lock.ExitRead();
            wasInterrupted = Record.Exception(() => Thread.Sleep(1)) is ThreadInterruptedException;
        });
        Assert.True(started.Wait(s_timeout));
        reader.Interrupt();
        _lock.ExitWrite();
        Assert.True(reader.Join(s_timeout));
        Assert.True(wasInterrupted);
    }

    private static Thread Start(Action body)
    {
        var thread = new Thread(() => body()) { IsBackground = true };
        thread.Start();
        return thread;
    }
}
