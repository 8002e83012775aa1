using System.Collections.Concurrent;
using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Primitives;
using NativeMm.Tests.Support;
using NativeMm.Tests.Unit.Zsmalloc;
using NativeMm.Zsmalloc;
using Xunit;

namespace NativeMm.Tests.Concurrency.Zsmalloc;

public sealed class ZsPoolConcurrencyTests
{
    private const int Operations = 15_000;

    public static TheoryData<ZsLockMode, int> Variants => new()
    {
        { ZsLockMode.PerClass, 1 },
        { ZsLockMode.PerClass, 4 },
        { ZsLockMode.Pool, 1 },
        { ZsLockMode.PoolSingleCompactor, 1 },
    };

    [Theory]
    [MemberData(nameof(Variants))]
    public void Objects_keep_their_bytes_under_compaction_and_migration(ZsLockMode mode, int stripes)
    {
        const int Workers = 3;
        const int Compactors = 2;
        using var fixture = new ZsFixture(new ZsPoolOptions { LockMode = mode, Stripes = stripes, MaxCompactors = 4 }, megabytes: 32);
        StartGate.RunBeside(Workers, number => Work(fixture, number), Compactors + 1, (number, goesOn) =>
        {
            var random = new Random(number);
            while (goesOn())
            {
                if (number == Workers)
                {
                    Migrate(fixture, random);
                }
                else
                {
                    fixture.Pool.Compact();
                }
            }
        });

        fixture.Pool.Validate();
        Assert.Equal(0, fixture.Pool.GetStatistics().Objects);
        fixture.Pool.Compact();
        Assert.Equal(0, fixture.Pool.GetTotalFrames());
    }

    [Fact]
    public void Objects_made_on_one_thread_and_freed_on_another_leave_nothing_behind()
    {
        using var fixture = new ZsFixture(new ZsPoolOptions { Stripes = 4 }, megabytes: 32);
        using var handed = new BlockingCollection<(ZsHandle, int)>(256);
        StartGate.Run(2, number =>
        {
            if (number == 0)
            {
                for (int i = 0; i < Operations; i++)
                {
                    handed.Add((fixture.Store(1 + (i % 3000), i), i));
                }

                handed.CompleteAdding();
                return;
            }

            foreach ((ZsHandle handle, int i) in handed.GetConsumingEnumerable())
            {
                fixture.AssertHoldsAlone(handle, 1 + (i % 3000), i);
                fixture.Pool.Free(handle);
            }
        });

        fixture.Pool.Compact();
        Assert.Equal(0, fixture.Pool.GetTotalFrames());
    }

    [Theory]
    [InlineData(ZsLockMode.PerClass)]
    [InlineData(ZsLockMode.Pool)]
    public void Of_two_who_free_the_same_object_one_is_refused(ZsLockMode mode)
    {
        using var fixture = new ZsFixture(new ZsPoolOptions { LockMode = mode, Stripes = 4 });
        ZsHandle[] handles = [.. Enumerable.Range(0, 5000).Select(i => fixture.Pool.Alloc(1 + (i % 500)))];
        int refused = 0;
        StartGate.Run(3, number =>
        {
            if (number == 2)
            {
                for (int i = 0; i < 20; i++)
                {
                    fixture.Pool.Compact();
                }

                return;
            }

            foreach (ZsHandle handle in handles)
            {
                try
                {
                    fixture.Pool.Free(handle);
                }
                catch (MemoryFaultException e) when (e.Kind == MemoryFaultKind.StaleHandle)
                {
                    Interlocked.Increment(ref refused);
                }
            }
        });

        Assert.Equal(handles.Length, refused);
        Assert.Equal(0, fixture.Pool.GetStatistics().Objects);
    }

    [Fact]
    public void Nobody_is_refused_while_a_slot_is_free_in_another_stripe()
    {
        using var fixture = new ZsFixture(new ZsPoolOptions { AutoCompact = false, Stripes = 8 }, megabytes: 4);
        StartGate.Run(3, _ =>
        {
            while (fixture.Pool.TryAlloc(1500, out ZsHandle _))
            {
            }
        });

        while (fixture.Pool.TryAlloc(1500, out ZsHandle _))
        {
        }

        Assert.All(fixture.Pool.GetClassStatistics(), row => Assert.Equal(row.ObjectsAllocated, row.ObjectsUsed));
    }

    private static void Work(ZsFixture fixture, int number)
    {
        var random = new Random(number);
        var live = new List<(ZsHandle Handle, int Bytes, int Seed)>();
        for (int i = 0; i < Operations; i++)
        {
            // Grows and shrinks in waves, so that there is something to compact.
            bool grow = random.Next(100) < (i / 2000 % 2 == 0 ? 70 : 30);
            if (grow && live.Count < 1000)
            {
                int bytes = 1 + (random.Next(6) * 650);
                live.Add((fixture.Store(bytes, i), bytes, i));
            }
            else if (live.Count > 0)
            {
                int at = random.Next(live.Count);
                fixture.AssertHoldsAlone(live[at].Handle, live[at].Bytes, live[at].Seed);
                fixture.Pool.Free(live[at].Handle);
                live[at] = live[^1];
                live.RemoveAt(live.Count - 1);
            }
        }

        foreach ((ZsHandle handle, int bytes, int seed) in live)
        {
            fixture.AssertHoldsAlone(handle, bytes, seed);
            fixture.Pool.Free(handle);
        }
    }

    private static void Migrate(ZsFixture fixture, Random random)
    {
        if (fixture.Frames.TryAllocate(Order.Zero, FrameFlags.NoReclaim, out Pfn target, out _))
        {
            var frame = new Pfn((uint)random.Next((int)fixture.Frames.Zone.FrameCount));
            bool moved = frame != target && ((IFrameMigrator)fixture.Pool).TryMigrate(frame, target);
            fixture.Frames.Free(moved ? frame : target, Order.Zero);
        }
    }
}
