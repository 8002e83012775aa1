using NativeMm.Primitives;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit;

public sealed class EpochDomainTests : IDisposable
{
    private readonly EpochDomain _domain = new();
    private int _reclaimed;

    [Fact]
    public void Retired_item_goes_after_two_epochs_and_once()
    {
        Retire();
        Assert.Equal(1, _domain.RetiredCount);
        Assert.Equal(0, _domain.Reclaim());
        Assert.Equal(1, _domain.Reclaim());
        Assert.Equal(1, _reclaimed);
        Assert.Equal(0, _domain.Reclaim() + _domain.Reclaim() + _domain.Reclaim());
        Assert.Equal(1, _reclaimed);
        Assert.Equal(0, _domain.RetiredCount);
    }

    [Fact]
    public void Callback_gets_its_target_and_value()
    {
        object target = new();
        (object?, nuint) seen = default;
        _domain.Retire((given, value) => seen = (given, value), target, 42);
        ReclaimOften();
        Assert.Equal((target, (nuint)42), seen);
    }

    [Fact]
    public void Nothing_goes_while_an_earlier_reader_is_inside()
    {
        using var reader = new ParkedReader(_domain);
        Retire();
        ReclaimOften();
        Assert.Equal(0, _reclaimed);
        reader.Leave();
        ReclaimOften();
        Assert.Equal(1, _reclaimed);
    }

    [Fact]
    public void Reader_who_came_later_does_not_hold_the_item()
    {
        Retire();
        _domain.Reclaim();
        using var reader = new ParkedReader(_domain);
        Assert.Equal(1, _domain.Reclaim());

        // But what is retired from now on it does hold.
        Retire();
        ReclaimOften();
        Assert.Equal(1, _reclaimed);
        reader.Leave();
        ReclaimOften();
        Assert.Equal(2, _reclaimed);
    }

    [Fact]
    public void Guards_nest()
    {
        using (_domain.Enter())
        {
            Retire();
            using (_domain.Enter())
            {
            }

            ReclaimOften();
            Assert.Equal(0, _reclaimed);
        }

        ReclaimOften();
        Assert.Equal(1, _reclaimed);
    }

    [Fact]
    public void Many_items_go_without_anybody_asking_for_it()
    {
        for (int i = 0; i < 1000; i++)
        {
            Retire();
        }

        Assert.InRange(_domain.RetiredCount, 0, 3 * 64);
        Assert.Equal(1000, _reclaimed + _domain.RetiredCount);
    }

    [Fact]
    public void Callback_may_retire_more()
    {
        _domain.Retire(static (self, _) => ((EpochDomainTests)self!).Retire(), this, 0);
        ReclaimOften();
        Assert.Equal(1, _reclaimed);
    }

    [Fact]
    public void Thread_that_died_inside_does_not_hold_anything_and_its_items_go()
    {
        StartGate.Run(1, _ =>
        {
            // Deliberately never disposed: the thread dies inside.
            EpochGuard guard = _domain.Enter();
            Retire();
        });
        Retire();
        ReclaimOften();
        Assert.Equal(2, _reclaimed);
        Assert.Equal(1, _domain.ParticipantCount);
    }

    [Fact]
    public void Thousands_of_threads_leave_nothing_behind()
    {
        const int Rounds = 500;
        for (int round = 0; round < Rounds; round++)
        {
            StartGate.Run(4, _ =>
            {
                using (_domain.Enter())
                {
                    Retire();
                }
            });
        }

        Assert.InRange(_domain.ParticipantCount, 1, 64);
        ReclaimOften();
        Assert.Equal(4 * Rounds, _reclaimed);
        Assert.Equal(0, _domain.RetiredCount);
    }

    [Fact]
    public void One_thread_in_many_domains_takes_part_in_each_once()
    {
        EpochDomain[] domains = [_domain, new(), new()];
        for (int round = 0; round < 5; round++)
        {
            foreach (EpochDomain domain in domains)
            {
                using (domain.Enter())
                {
                    domain.Retire(static (_, _) => { }, null, 0);
                }
            }
        }

        Assert.All(domains, domain => Assert.Equal((1, 5), (domain.ParticipantCount, domain.RetiredCount)));
        domains[1].Dispose();
        using (domains[2].Enter())
        using (domains[0].Enter())
        {
        }

        Assert.Throws<ObjectDisposedException>(() => domains[1].Retire(static (_, _) => { }, null, 0));
    }

    [Fact]
    public void Dispose_reclaims_everything_but_not_under_a_reader()
    {
        Retire();
        using (var reader = new ParkedReader(_domain))
        {
            Assert.Throws<InvalidOperationException>(_domain.Dispose);
            Assert.Equal(0, _reclaimed);
        }

        _domain.Dispose();
        Assert.Equal(1, _reclaimed);
    }

    public void Dispose() => _domain.Dispose();

    private void Retire() => _domain.Retire(static (self, _) => Interlocked.Increment(ref ((EpochDomainTests)self!)._reclaimed), this, 0);

    private void ReclaimOften()
    {
        for (int i = 0; i < 8; i++)
        {
            _domain.Reclaim();
        }
    }

    /// <summary>Another thread inside a guard until it is told to leave.</summary>
    private sealed class ParkedReader : IDisposable
    {
        private readonly ManualResetEventSlim _inside = new();
        private readonly ManualResetEventSlim _leave = new();
        private readonly Thread _thread;

        public ParkedReader(EpochDomain domain)
        {
            _thread = new Thread(() =>
            {
                using (domain.Enter())
                {
                    _inside.Set();
                    _leave.Wait(StartGate.DefaultTimeout);
                }
            })
            { IsBackground = true };
            _thread.Start();
            Assert.True(_inside.Wait(StartGate.DefaultTimeout));
        }

        public void Leave()
        {
            _leave.Set();
            Assert.True(_thread.Join(StartGate.DefaultTimeout));
        }

        public void Dispose() => Leave();
    }
}
