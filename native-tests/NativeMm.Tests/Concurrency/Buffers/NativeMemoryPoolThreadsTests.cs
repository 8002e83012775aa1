using System.Buffers;
using System.Collections.Concurrent;
using NativeMm.Buffers;
using NativeMm.Diagnostics;
using NativeMm.Heap;
using Xunit;

namespace NativeMm.Tests.Concurrency.Buffers;

/// <summary>One pool, many threads: no buffer has two owners, and one rent has one disposal.</summary>
public sealed class NativeMemoryPoolThreadsTests
{
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [InlineData(null)]
    public void Buffers_that_wander_between_threads_are_never_shared(bool? recycle)
    {
        using var heap = new NativeHeap();
        using NativeMemoryPool pool = recycle is { } given ? new(heap, given) : new(heap);
        var passing = new ConcurrentQueue<(IMemoryOwner<byte> Owner, byte Value)>();
        int seed = Environment.TickCount;
        GatedThreads.Run(4, index =>
        {
            var random = new Random(seed + index);
            for (int i = 0; i < 10_000; i++)
            {
                IMemoryOwner<byte> owner = pool.Rent(random.Next(1, 600));
                byte value = (byte)random.Next(256);
                owner.Memory.Span.Fill(value);
                passing.Enqueue((owner, value));
                if (random.Next(20) != 0 && passing.TryDequeue(out (IMemoryOwner<byte> Owner, byte Value) other))
                {
                    Assert.True(other.Owner.Memory.Span.IndexOfAnyExcept(other.Value) < 0, $"A buffer was shared; seed {seed}.");
                    other.Owner.Dispose();
                }
            }
        });
        Assert.Equal(passing.Count, pool.Statistics.RentedNow);
        Assert.Equal(40_000, pool.Statistics.TotalRents);
        while (passing.TryDequeue(out (IMemoryOwner<byte> Owner, byte Value) left))
        {
            left.Owner.Dispose();
        }

        Assert.Equal(new NativeMemoryPoolStatistics(0, 0, 40_000, 0), pool.Statistics);
    }

    /// <summary>One thread rents only, one returns only: the counts add up, also when threads that come later have the numbers of these.</summary>
    [Fact]
    public void One_thread_rents_and_another_returns()
    {
        const int Rents = 20_000;
        using var heap = new NativeHeap();
        using var pool = new NativeMemoryPool(heap);
        for (int round = 0; round < 2; round++)
        {
            using var passing = new BlockingCollection<IMemoryOwner<byte>>(300);
            GatedThreads.Run(2, index =>
            {
                if (index == 0)
                {
                    for (int i = 0; i < Rents; i++)
                    {
                        IMemoryOwner<byte> owner = pool.Rent(100);
                        Assert.True(passing.TryAdd(owner, s_timeout));
                    }

                    passing.CompleteAdding();
                    return;
                }

                while (passing.TryTake(out IMemoryOwner<byte>? owner, s_timeout))
                {
                    owner.Dispose();
                }
            });
        }

        Assert.Equal(new NativeMemoryPoolStatistics(0, 0, 2 * Rents, 0), pool.Statistics);
    }

    [Fact]
    public void Of_many_disposals_of_one_rent_exactly_one_succeeds()
    {
        const int Rounds = 2_000;
        const int Threads = 3;
        using var heap = new NativeHeap();
        using var pool = new NativeMemoryPool(heap, recycleOwners: true);
        var owners = new IMemoryOwner<byte>[Rounds];
        for (int i = 0; i < Rounds; i++)
        {
            owners[i] = pool.Rent(32);
        }

        long succeeded = 0;
        long caught = 0;
        GatedThreads.Run(Threads, _ =>
        {
            foreach (IMemoryOwner<byte> owner in owners)
            {
                try
                {
                    owner.Dispose();
                    Interlocked.Increment(ref succeeded);
                }
                catch (MemoryFaultException fault) when (fault.Kind == MemoryFaultKind.DoubleFree)
                {
                    Interlocked.Increment(ref caught);
                }
            }
        });
        Assert.Equal(Rounds, succeeded);
        Assert.Equal(Rounds * (Threads - 1), caught);
        Assert.Equal(new NativeMemoryPoolStatistics(0, 0, Rounds, 0), pool.Statistics);
    }

    /// <summary>Owners are disposed by three threads at once, and again when their buffers have long been rented by others.</summary>
    [Fact]
    public void Disposals_too_many_end_no_other_rent()
    {
        const int Rounds = 2_000;
        using var heap = new NativeHeap();
        using var pool = new NativeMemoryPool(heap);
        var owners = new IMemoryOwner<byte>[Rounds];
        for (int i = 0; i < Rounds; i++)
        {
            owners[i] = pool.Rent(32);
        }

        GatedThreads.Run(3, index =>
        {
            foreach (IMemoryOwner<byte> owner in owners)
            {
                owner.Dispose();
                using IMemoryOwner<byte> mine = pool.Rent(32);
                mine.Memory.Span.Fill((byte)index);
                owner.Dispose();
                Assert.True(mine.Memory.Span.IndexOfAnyExcept((byte)index) < 0);
            }
        });
        Assert.Equal(new NativeMemoryPoolStatistics(0, 0, 4 * Rounds, 0), pool.Statistics);
    }

    [Fact]
    public void When_one_thread_rents_and_another_returns_owners_go_back_to_where_they_are_needed()
    {
        const int Rents = 20_000;
        using var heap = new NativeHeap();
        using var pool = new NativeMemoryPool(heap, recycleOwners: true);
        using var passing = new BlockingCollection<IMemoryOwner<byte>>(boundedCapacity: 64);
        var seen = new HashSet<IMemoryOwner<byte>>(ReferenceEqualityComparer.Instance);
        GatedThreads.Run(2, index =>
        {
            if (index == 0)
            {
                for (int i = 0; i < Rents; i++)
                {
                    IMemoryOwner<byte> owner = pool.Rent(64);
                    seen.Add(owner);
                    Assert.True(passing.TryAdd(owner, s_timeout));
                }

                passing.CompleteAdding();
                return;
            }

            foreach (IMemoryOwner<byte> owner in passing.GetConsumingEnumerable())
            {
                owner.Dispose();
            }
        });

        // Fresh objects come only while what is passing and what rests is not covered yet, not once a rent.
        Assert.InRange(seen.Count, 1, Rents / 4);
        Assert.Equal(0, pool.Statistics.RentedNow);
    }
}
