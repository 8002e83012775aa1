using NativeMm.Primitives;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit;

public sealed class EpochDomainTests : IDisposable
{
    private readonly EpochDomain _domain = new();
    private int _reclaimed;

    [Fact]
    public void RetiredItemGoesAfterTwoEpochsAndOnce()
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
    public void CallbackGetsItsTargetAndValue()
    {
        object target = new();
        (object?, nuint) seen = default;
        _domain.Retire((given, value) => seen = (given, value), target, 42);
        ReclaimOften();
        Assert.Equal((target, (nuint)42), seen);
    }

    [Fact]
    public void NothingGoesWhileAnEarlierReaderIsInside()
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
    public void ReaderWhoCameLaterDoesNotHoldTheItem()
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
    public void GuardsNest()
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
    public void ManyItemsGoWithoutAnybodyAskingForIt()
    {
        for (int i = 0; i < 1000; i++)
        {
            Retire();
        }

        Assert.InRange(_domain.RetiredCount, 0, 3 * 64);
        Assert.Equal(1000, _reclaimed + _domain.RetiredCount);
    }

    [Fact]
    public void CallbackMayRetireMore()
    {
        _domain.Retire(static (self, _) => ((EpochDomainTests)self!).Retire(), this, 0);
        ReclaimOften();
        Assert.Equal(1, _reclaimed);
    }

    [Fact]
    public void ThreadThatDiedInsideDoesNotHoldAnythingAndItsItemsGo()
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
    public void ThousandsOfThreadsLeaveNothingBehind()
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
    public void OneThreadInManyDomainsTakesPartInEachOnce()
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
    public void DisposeReclaimsEverythingButNotUnderAReader()
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
