using System.Diagnostics;
using NativeMm.AddressSpaces;
using NativeMm.Tests.Support;
using NativeMm.Tests.Unit.AddressSpaces;
using Xunit;
using static NativeMm.Tests.Unit.AddressSpaces.FaultFixture;

namespace NativeMm.Tests.Concurrency.AddressSpaces;

/// <summary>Threads that fault and access while others change the layout, fork, collapse, reclaim and end. Contents are verified; the fixture counts frames.</summary>
public sealed class FaultStormTests
{
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(30);

    public static TheoryData<FaultMode> Modes => [FaultMode.Speculative, FaultMode.Classic];

    [Theory]
    [MemberData(nameof(Modes))]
    public void All_threads_fault_the_same_pages(FaultMode mode)
    {
        using var fixture = new FaultFixture(new AddressSpaceOptions { FaultMode = mode, FaultPermits = 3 });
        for (int round = 0; round < 10; round++)
        {
            long area = fixture.Space.Map(64 * Page, Protection.ReadWrite);
            StartGate.Run(4, thread =>
            {
                for (int i = 0; i < 64; i++)
                {
                    fixture.Space.Write(area + (i * Page) + (8 * thread), (long)((thread * 1000) + i));
                }
            });
            for (int i = 0; i < 64 * 4; i++)
            {
                Assert.Equal(((i % 4) * 1000) + (i / 4), fixture.Space.Read<long>(area + (i / 4 * Page) + (8 * (i % 4))));
            }

            AddressSpaceStatistics statistics = fixture.Space.GetStatistics();
            Assert.Equal(64, statistics.ResidentPages);
            Assert.Equal((long)fixture.Frames.GetStatistics().AllocatedFrames * Page, statistics.FrameBytes);
            fixture.Space.Unmap(area, 64 * Page);
        }
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public void Each_thread_maps_touches_and_unmaps_its_own(FaultMode mode)
    {
        using var fixture = new FaultFixture(Mode(mode));
        StartGate.Run(3, thread =>
        {
            var random = new Random(thread);
            for (int i = 0; i < 60; i++)
            {
                int pages = random.Next(1, 40);
                long area = fixture.Space.Map(pages * Page, Protection.ReadWrite);
                for (int page = 0; page < pages; page++)
                {
                    Assert.Equal(0, fixture.Space.Read<long>(area + (page * Page)));
                    fixture.Space.Write(area + (page * Page), (long)((thread << 20) + page));
                }

                for (int page = 0; page < pages; page++)
                {
                    Assert.Equal((thread << 20) + page, fixture.Space.Read<long>(area + (page * Page)));
                }

                fixture.Space.Unmap(area, pages * Page);
            }
        });
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public void Writes_before_protection_is_taken_away_are_there_and_none_after(FaultMode mode)
    {
        using var fixture = new FaultFixture(Mode(mode));
        var race = new ProtectionRace(fixture.Space);
        StartGate.RunBeside(1, _ => race.TakeAndGive(rounds: 60), ProtectionRace.Writers, race.Write);
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public void A_fork_is_an_image_of_one_moment(FaultMode mode)
    {
        using var fixture = new FaultFixture(Mode(mode), megabytes: 32);
        const int Pages = 40;
        long area = fixture.Space.Map(Pages * Page, Protection.ReadWrite);
        StartGate.RunBeside(1, _ => Fork(), 1, (_, goesOn) => WriteRounds(goesOn));

        void Fork()
        {
            // A page that nobody wrote to before the fork is not copied by whoever writes to it after.
            Assert.True(SpinWait.SpinUntil(() => fixture.Faults.DemandZero != 0, s_timeout), "Nobody wrote.");
            for (int fork = 0; fork < 12; fork++)
            {
                using AddressSpace child = fixture.Space.Fork();
                Assert.True(fork != 0 || SpinWait.SpinUntil(() => fixture.Faults.Copies > 0, s_timeout), "Nobody wrote beside the fork.");
                OneMoment.Check(Pages, page => child.Read<long>(area + (page * Page)));
                child.Validate();
            }
        }

        // Page after page gets the number of the round: at any moment the first ones are one ahead of the others.
        void WriteRounds(Func<bool> goesOn)
        {
            for (long round = 1; goesOn(); round++)
            {
                for (int i = 0; i < Pages && goesOn(); i++)
                {
                    fixture.Space.Write(area + (i * Page), round);
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public void Ending_a_space_in_mid_fault_loses_nothing(FaultMode mode)
    {
        for (int round = 0; round < 12; round++)
        {
            using var fixture = new FaultFixture(Mode(mode), megabytes: 4);
            long area = fixture.Space.Map(600 * Page, Protection.ReadWrite);
            StartGate.Run(3, thread =>
            {
                if (thread == 0)
                {
                    fixture.Space.Write(area, 1L);
                    fixture.Space.Dispose();
                    return;
                }

                try
                {
                    for (int i = 0; i < 600; i++)
                    {
                        fixture.Space.Write(area + (i * Page), 5L);
                    }
                }
                catch (ObjectDisposedException)
                {
                    // It ended.
                }
                catch (OutOfMemoryException)
                {
                    // A zone that small may be full.
                }
            });
        }
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public void Pages_leave_and_come_back_under_writers_and_unmaps(FaultMode mode)
    {
        const int Limit = 48;
        using var fixture = new FaultFixture(Mode(mode), residentMax: Limit);
        StartGate.Run(3, thread =>
        {
            var random = new Random(thread);
            const int Pages = 60;
            for (int round = 0; round < 3; round++)
            {
                long area = fixture.Space.Map(Pages * Page, Protection.ReadWrite);
                long[] model = new long[Pages];
                for (int i = 0; i < 600; i++)
                {
                    int page = random.Next(Pages);
                    Assert.Equal(model[page], fixture.Space.Read<long>(area + (page * Page) + 16));
                    if (random.Next(2) == 0)
                    {
                        model[page] = random.NextInt64();
                        fixture.Space.Write(area + (page * Page) + 16, model[page]);
                    }
                }

                fixture.Space.Unmap(area, Pages * Page);
            }
        });
        Assert.NotEqual(0, fixture.Faults.SwapIns);
        Assert.Equal(0, fixture.Swap.Slots);
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public void Collapses_go_on_under_accesses(FaultMode mode)
    {
        using var fixture = new FaultFixture(Mode(mode), megabytes: 32);
        const int Pages = 512;
        long area = fixture.Space.Map(2 * Pages * Page, Protection.ReadWrite, MapFlags.HugePages);
        long first = (area + (2 << 20) - 1) & ~((2L << 20) - 1);
        Assert.Equal(area, first);
        fixture.Space.Advise(area, 2 * Pages * Page, MemoryAdvice.NoHugePages);
        fixture.Space.Write(area, new byte[Pages * Page]);
        fixture.Space.Advise(area, 2 * Pages * Page, MemoryAdvice.HugePages);
        int collapsed = 0;
        var clock = Stopwatch.StartNew();
        StartGate.RunBeside(1, _ => Collapse(), 2, WriteAndRead);
        Assert.NotEqual(0, collapsed);

        void Collapse()
        {
            // An attempt is given up when an access is at the wrong place at that moment, which on a busy machine may be at it for long.
            for (int i = 0; i < 30 || (collapsed == 0 && clock.Elapsed < s_timeout); i++)
            {
                collapsed += fixture.Space.Faults.Collapse((ulong)area >> 12) ? 1 : 0;

                // The block is split by a page that goes and comes back.
                fixture.Space.Unmap(area + (511 * Page), Page);
                fixture.Space.Map(Page, Protection.ReadWrite, MapFlags.Fixed | MapFlags.HugePages, area + (511 * Page));
                fixture.Space.Write(area + (511 * Page), 1);
            }
        }

        void WriteAndRead(int thread, Func<bool> goesOn)
        {
            long value = 0;
            for (int i = 0; goesOn(); i++)
            {
                long at = area + (i * 7 % 500 * Page) + (thread * 64);
                fixture.Space.Write(at, ++value);
                Assert.Equal(value, fixture.Space.Read<long>(at));
            }
        }
    }
}
