using NativeMm.Buffers;
using NativeMm.Heap;
using NativeMm.Tests.Concurrency.Buffers;
using Xunit;

namespace NativeMm.Tests.Unit.Buffers;

/// <summary>Where guards wait for the next rent.</summary>
public sealed unsafe class RentStandsTests : IDisposable
{
    private readonly NativeHeap _heap = NativeBufferTests.NewHeap();
    private readonly NativeMemoryPool _pool;

    public RentStandsTests() => _pool = new NativeMemoryPool(_heap);

    public void Dispose()
    {
        _pool.Dispose();
        _heap.Dispose();
    }

    [Fact]
    public void A_thread_has_a_stand_once_it_rents_and_only_then() => OnNewThread(() =>
    {
        var stands = new RentStands(_pool, withOwners: false);
        Assert.Null(stands.Current);
        RentStand stand = stands.CurrentOrNew()!;
        Assert.Same(stand, stands.Current);
        Assert.Same(stand, stands.CurrentOrNew());
        OnNewThread(() => Assert.Null(stands.Current));
    });

    [Fact]
    public void A_thread_with_a_cache_has_a_stand_that_no_other_thread_has()
    {
        // All of them live until the last one is through: the number of an ended thread may be given again.
        const int Threads = 4;
        var stands = new RentStands(_pool, withOwners: false);
        var seen = new RentStand?[Threads];
        using var all = new Barrier(Threads);
        GatedThreads.Run(Threads, index =>
        {
            NativeHeap.Shared.Free(NativeHeap.Shared.Alloc(16));
            seen[index] = stands.CurrentOrNew();
            Assert.True(all.SignalAndWait(TimeSpan.FromSeconds(30)));
        });
        Assert.Equal(Threads, seen.OfType<RentStand>().Distinct().Count());
    }

    [Fact]
    public void What_is_too_much_for_one_stand_goes_to_another_in_a_batch()
    {
        var stands = new RentStands(_pool, withOwners: false);
        var full = new RentStand(withOwners: false);
        RentGuard[] guards = [.. Enumerable.Range(0, RentStand.GuardsMax + 1).Select(_ => new RentGuard(_pool))];
        Assert.All(guards[..^1], guard => Assert.True(full.TryPut(guard)));
        Assert.False(full.TryPut(guards[^1]));

        stands.PutCommon(full, guards[^1]);
        var dry = new RentStand(withOwners: false);
        var moved = new HashSet<RentGuard> { stands.TakeCommon(dry) };
        while (dry.TryTake() is { } guard)
        {
            Assert.True(moved.Add(guard));
        }

        Assert.Equal(32, moved.Count);
        Assert.Subset(new HashSet<RentGuard>(guards), moved);
        int left = 0;
        while (full.TryTake() is { } guard)
        {
            Assert.DoesNotContain(guard, moved);
            left++;
        }

        Assert.Equal(guards.Length, left + moved.Count);
        Assert.DoesNotContain(stands.TakeCommon(null), guards);
    }

    [Fact]
    public void Counts_of_threads_with_and_without_a_stand_add_up() => OnNewThread(() =>
    {
        var stands = new RentStands(_pool, withOwners: false);
        stands.Rented(100);
        stands.CurrentOrNew()!.Rented(1000);
        stands.Returned(1000);
        Assert.Equal((2, 1, 100), stands.Sum());
        stands.Current!.Returned(100);
        Assert.Equal((2, 2, 0), stands.Sum());
    });

    /// <summary>A thread that never had a cache of the shared heap has one number wherever it runs.</summary>
    private static void OnNewThread(Action action)
    {
        Exception? failure = null;
        var thread = new Thread(() => failure = Record.Exception(action));
        thread.Start();
        Assert.True(thread.Join(TimeSpan.FromSeconds(30)));
        Assert.Null(failure);
    }
}
