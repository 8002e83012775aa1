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
        Thread reader = Start(() =>
        {
            _lock.EnterRead();
            turns.Add("reader");
            _lock.ExitRead();
        });
        AwaitSleep(reader);
        _lock.ExitRead();
        writerInside.AwaitArrival();

        // The next writer takes the lock in the moment in which the first gives it up; the reader goes in all the same, and before him.
        Thread second = Start(() =>
        {
            _lock.EnterWrite();
            turns.Add("second writer");
            _lock.ExitWrite();
        });
        AwaitSleep(second);
        writerInside.Release();
        Assert.True(first.Join(s_timeout) && reader.Join(s_timeout) && second.Join(s_timeout));
        Assert.Equal(["writer", "reader", "second writer"], turns);
    }

    [Fact]
    public void Readers_that_hand_over_to_each_other_keep_no_writer_out()
    {
        // At each moment a reader is inside, or one waits for the writer: each leaves only when another has come, as long as that may be.
        int entered = 0;
        int written = 0;
        StartGate.RunBeside(1, _ => Write(), 3, (_, goesOn) => Read(goesOn));
        Assert.Equal(100, written);

        void Write()
        {
            for (int i = 0; i < 100; i++)
            {
                _lock.EnterWrite();
                written++;
                _lock.ExitWrite();
            }
        }

        void Read(Func<bool> goesOn)
        {
            while (goesOn())
            {
                _lock.EnterRead();
                int number = Interlocked.Increment(ref entered);
                var wait = default(SpinWait);
                while (Volatile.Read(ref entered) == number && !_lock.HasWriter && goesOn())
                {
                    wait.SpinOnce(sleep1Threshold: -1);
                }

                _lock.ExitRead();
            }
        }
    }

    [Fact]
    public void Writers_that_follow_each_other_keep_no_reader_out()
    {
        int read = 0;
        StartGate.RunBeside(1, _ => Read(), 2, (_, goesOn) => Write(goesOn));
        Assert.Equal(200, read);
        Assert.False(_lock.HasWriter);

        void Read()
        {
            for (; read < 200; read++)
            {
                _lock.EnterRead();
                Assert.Equal(0, _value % 2);
                _lock.ExitRead();
            }
        }

        void Write(Func<bool> goesOn)
        {
            while (goesOn())
            {
                _lock.EnterWrite();
                _value++;
                _value++;
                _lock.ExitWrite();
            }
        }
    }

    [Fact]
    public void Everybody_who_sleeps_is_woken_when_the_writer_leaves()
    {
        using var through = new CountdownEvent(5);
        for (int round = 0; round < 5; round++)
        {
            through.Reset();
            _lock.EnterWrite();
            Thread[] waiting =
            [
                .. Enumerable.Range(0, 5).Select(i => Start(() =>
                {
                    if (i % 2 == 0)
                    {
                        _lock.EnterRead();
                        _lock.ExitRead();
                    }
                    else
                    {
                        _lock.EnterWrite();
                        _lock.ExitWrite();
                    }

                    through.Signal();
                })),
            ];
            Array.ForEach(waiting, AwaitSleep);
            Assert.Equal(5, through.CurrentCount);
            _lock.ExitWrite();
            Assert.True(through.Wait(s_timeout), $"{through.CurrentCount} of 5 sleep on.");
            Assert.All(waiting, thread => Assert.True(thread.Join(s_timeout)));
        }
    }

    [Fact]
    public void An_interrupt_stays_pending_and_the_wait_goes_on()
    {
        _lock.EnterWrite();
        bool wasInterrupted = false;
        Thread reader = Start(() =>
        {
            _lock.EnterRead();
            _lock.ExitRead();
            wasInterrupted = Record.Exception(() => Thread.Sleep(1)) is ThreadInterruptedException;
        });
        AwaitSleep(reader);
        reader.Interrupt();
        _lock.ExitWrite();
        Assert.True(reader.Join(s_timeout));
        Assert.True(wasInterrupted);
    }

    private static void AwaitSleep(Thread thread) =>
        Assert.True(SpinWait.SpinUntil(() => (thread.ThreadState & ThreadState.WaitSleepJoin) != 0, s_timeout), "It does not wait.");

    private static Thread Start(Action body)
    {
        var thread = new Thread(() => body()) { IsBackground = true };
        thread.Start();
        return thread;
    }
}
