using NativeMm.AddressSpaces;
using NativeMm.Primitives;
using NativeMm.Tests.Support;
using NativeMm.Tests.Support.AddressSpaces;
using Xunit;

namespace NativeMm.Tests.Concurrency.AddressSpaces;

/// <summary>Whoever looks areas up without the lock, beside whoever changes the layout, and at its end.</summary>
public sealed unsafe class LayoutReaderTests
{
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(30);

    [Fact]
    public void Readers_without_the_lock_see_one_layout_or_the_next()
    {
        const int Readers = 2;
        const int Changes = 4000;
        const ulong Areas = 200;
        using var fixture = new LayoutFixture();
        for (ulong i = 0; i < Areas; i++)
        {
            fixture.Map(10 * i, (10 * i) + 8, i % 2 == 0 ? Protection.ReadWrite : Protection.Read);
        }

        long found = 0;
        StartGate.RunBeside(
            1,
            thread =>
            {
                var random = new Random(thread);
                for (int i = 0; i < Changes; i++)
                {
                    ChangeAndBack(fixture, 20 * (ulong)random.Next((int)Areas / 2));
                }
            },
            Readers,
            (thread, goesOn) =>
            {
                var random = new Random(thread);
                while (goesOn())
                {
                    Interlocked.Add(ref found, Look(fixture, 10 * (ulong)random.Next((int)Areas)));
                }
            });
        Assert.InRange(found, Readers, long.MaxValue);
    }

    /// <summary>An area with an even number loses its middle, or its right to write, and gets it back.</summary>
    private static void ChangeAndBack(LayoutFixture fixture, ulong page)
    {
        if (page % 40 == 0)
        {
            fixture.Unmap(page + 3, page + 5);
            fixture.Map(page + 3, page + 5);
            return;
        }

        fixture.Protect(page + 3, page + 5, Protection.None);
        fixture.Protect(page + 3, page + 5, Protection.ReadWrite);
    }

    private static int Look(LayoutFixture fixture, ulong page)
    {
        using EpochGuard inside = fixture.Epochs.Enter();
        Vma* area = fixture.Find(page + 1);
        Assert.True(area != null, "The begin of an area is mapped at all times.");
        VmaState seen = area->State;
        AreaSpec spec = area->Spec;
        VpnRange whole = LayoutFixture.Pages(page, page + 8);
        bool isOdd = page % 20 != 0;
        Assert.True(spec.Pages == whole || (!isOdd && spec.Pages == LayoutFixture.Pages(page, page + 3)), $"{spec}");
        Assert.Equal(isOdd ? Protection.Read : Protection.ReadWrite, spec.Protection);
        Assert.True(fixture.Find(page + 8) == null, "Between two areas nothing is mapped.");

        // As long as the reader is inside, the record is the same one's, detached or not.
        Assert.Equal(spec, area->Spec);
        Assert.Equal(seen.Generation, area->State.Generation);
        return 1;
    }

    [Fact]
    public void The_end_waits_for_whoever_looks_without_the_lock()
    {
        var fixture = new LayoutFixture();
        fixture.Map(0, 4);
        using var inside = new Rendezvous(s_timeout);
        int hasLeft = 0;
        var reader = new Thread(() =>
        {
            using EpochGuard guard = fixture.Epochs.Enter();
            Vma* area = fixture.Find(1);
            VmaState seen = area->State;
            inside.Wait();
            Assert.Equal(seen.Detach(), area->State);
            Assert.True(fixture.Find(1) == null);
            Volatile.Write(ref hasLeft, 1);
        })
        { IsBackground = true };
        reader.Start();
        inside.AwaitArrival();
        int hasLeftAtTheEnd = 0;
        var ender = new Thread(() =>
        {
            Assert.True(fixture.Layout.End());
            hasLeftAtTheEnd = Volatile.Read(ref hasLeft);
        })
        { IsBackground = true };
        ender.Start();
        Assert.True(SpinWait.SpinUntil(() => fixture.Layout.HasEnded && fixture.Find(1) == null, s_timeout));
        Assert.Throws<ObjectDisposedException>(fixture.Layout.EnterRead);
        Assert.Equal(LayoutOutcome.Ended, fixture.Layout.Unmap(LayoutFixture.Pages(0, 4)).Outcome);
        Assert.True(ender.IsAlive);
        inside.Release();
        Assert.True(reader.Join(s_timeout) && ender.Join(s_timeout));
        Assert.Equal(1, hasLeftAtTheEnd);
        fixture.Dispose();
    }

    [Fact]
    public void Changes_of_many_threads_come_one_after_the_other()
    {
        const int Threads = 4;
        const int Rounds = 300;
        using var fixture = new LayoutFixture();
        StartGate.Run(Threads, thread =>
        {
            ulong page = 100 * (ulong)thread;
            for (int i = 0; i < Rounds; i++)
            {
                fixture.Map(page, page + 10);
                fixture.Protect(page + 2, page + 4, Protection.Read);
                Assert.True(fixture.Layout.Covers(LayoutFixture.Pages(page, page + 10)).IsDone);
                fixture.Unmap(page, page + 10);
            }
        });
        Assert.Equal("", fixture.Areas);
    }
}
