using System.Diagnostics;
using NativeMm.Primitives;
using NativeMm.Tests.Support;
using Xunit;
using Xunit.Abstractions;

namespace NativeMm.Tests.Concurrency;

public sealed class EpochDomainConcurrencyTests(ITestOutputHelper output)
{
    private const int Alive = 0x600D;
    private const int Dead = 0xDEAD;
    private const int Slots = 8;
    private static readonly TimeSpan s_duration = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_durationOfControl = TimeSpan.FromSeconds(20);

    [Fact]
    public void What_a_reader_holds_is_never_reclaimed()
    {
        Outcome outcome = Run(waitForReaders: true);
        output.WriteLine(outcome.ToString());
        Assert.Equal(0, outcome.DeadSeen);
        Assert.True(outcome.Replaced > 0 && outcome.Read > 0);
        Assert.Equal(outcome.Replaced, outcome.Reclaimed);
    }

    [Fact]
    public void Control_that_reclaims_at_once_is_caught()
    {
        Outcome outcome = Run(waitForReaders: false);
        output.WriteLine(outcome.ToString());
        Assert.True(outcome.DeadSeen > 0 || Environment.ProcessorCount == 1, $"The test above would not notice: {outcome}");
    }

    private static Outcome Run(bool waitForReaders)
    {
        var domain = new EpochDomain();
        var slots = new Node[Slots];
        for (int i = 0; i < Slots; i++)
        {
            slots[i] = new Node();
        }

        var counts = new Counts();
        TimeSpan duration = waitForReaders ? s_duration : s_durationOfControl;
        long end = Stopwatch.GetTimestamp() + (long)(duration.TotalSeconds * Stopwatch.Frequency);
        StartGate.Run(4, thread =>
        {
            var random = new Random(thread);

            // Both sides did something, whatever cores they got.
            while ((Stopwatch.GetTimestamp() < end || Interlocked.Read(ref counts.Read) == 0 || Interlocked.Read(ref counts.Replaced) == 0)
                && Interlocked.Read(ref counts.DeadSeen) == 0)
            {
                if (thread % 2 == 0)
                {
                    Replace(domain, slots, random.Next(Slots), counts, waitForReaders);
                }
                else
                {
                    Read(domain, slots, random.Next(Slots), counts);
                }
            }
        });
        domain.Dispose();
        return new Outcome(counts.Read, counts.DeadSeen, counts.Replaced, counts.Reclaimed);
    }

    private static void Replace(EpochDomain domain, Node[] slots, int slot, Counts counts, bool waitForReaders)
    {
        Node old = Interlocked.Exchange(ref slots[slot], new Node());
        Interlocked.Increment(ref counts.Replaced);
        if (waitForReaders)
        {
            domain.Retire((node, _) => Kill((Node)node!, counts), old, 0);
        }
        else
        {
            Kill(old, counts);
        }
    }

    private static void Kill(Node node, Counts counts)
    {
        Assert.Equal(Alive, Interlocked.Exchange(ref node.Canary, Dead));
        Interlocked.Increment(ref counts.Reclaimed);
    }

    private static void Read(EpochDomain domain, Node[] slots, int slot, Counts counts)
    {
        using (domain.Enter())
        {
            Node node = Volatile.Read(ref slots[slot]);
            for (int look = 0; look < 50; look++)
            {
                if (Volatile.Read(ref node.Canary) != Alive)
                {
                    Interlocked.Increment(ref counts.DeadSeen);
                    break;
                }
            }
        }

        Interlocked.Increment(ref counts.Read);
    }

    private sealed record Outcome(long Read, long DeadSeen, long Replaced, long Reclaimed);

    private sealed class Node
    {
        public int Canary = Alive;
    }

    private sealed class Counts
    {
        public long Read;
        public long DeadSeen;
        public long Replaced;
        public long Reclaimed;
    }
}
