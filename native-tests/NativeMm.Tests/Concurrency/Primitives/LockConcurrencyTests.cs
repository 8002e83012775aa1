using NativeMm.Diagnostics;
using NativeMm.Primitives;
using NativeMm.Tests.Support;
using Xunit;
using Xunit.Abstractions;

namespace NativeMm.Tests.Concurrency;

public sealed class LockConcurrencyTests(ITestOutputHelper output)
{
    private const int Threads = 4;

    private const int SectionsPerThread = 4_000;
    private const int SectionsOfControl = 100_000;

    public static TheoryNames Names => LockUnderTest.ExclusiveNames;

    [Theory]
    [MemberData(nameof(Names))]
    public void One_thread_at_a_time_is_inside(string name)
    {
        LockUnderTest subject = LockUnderTest.Create(name);
        (long lost, long overlaps) = RunSections(subject, SectionsPerThread);
        Assert.Equal((0, 0), (lost, overlaps));
        Assert.False(subject.IsHeld);
        if (subject.Snapshot() is { } statistics)
        {
            Assert.Equal(Threads * SectionsPerThread, statistics.Acquisitions);
            Assert.Equal(Threads * SectionsPerThread, statistics.Hold.Count);
            Assert.Equal(statistics.Contentions, statistics.Wait.Count);
            Assert.InRange(statistics.Contentions, 0, statistics.Acquisitions);
            Assert.InRange(statistics.ContentionBounces, 0, statistics.Contentions);
            Assert.InRange(statistics.AcquisitionBounces, statistics.ContentionBounces, statistics.Acquisitions);
            Assert.True(statistics.Hold.Minimum <= statistics.Hold.Average && statistics.Hold.Average <= statistics.Hold.Maximum);
        }
    }

    [Fact]
    public void Control_without_a_lock_is_caught()
    {
        // The threads must meet for it, which a busy machine does not grant every time.
        const int AttemptsMax = 200;
        for (int attempt = 1; attempt <= AttemptsMax; attempt++)
        {
            (long lost, long overlaps) = RunSections(LockUnderTest.Create("none"), SectionsOfControl);
            if (lost + overlaps > 0)
            {
                output.WriteLine($"attempt {attempt}: lost {lost}, overlaps {overlaps}");
                return;
            }
        }

        Assert.True(Environment.ProcessorCount == 1, "The test above would not notice a lock that excludes nobody.");
    }

    private static (long Lost, long Overlaps) RunSections(LockUnderTest subject, int sections)
    {
        var state = new Section();
        StartGate.Run(Threads, thread =>
        {
            for (int i = 0; i < sections; i++)
            {
                if ((i & 7) != 0 || !subject.TryEnter())
                {
                    subject.Enter();
                }

                // Plain accesses: only the lock keeps them apart.
                state.Overlaps += state.Inside != 0 ? 1 : 0;
                state.Inside = thread + 1;
                state.Count++;
                state.Overlaps += state.Inside != thread + 1 ? 1 : 0;
                state.Inside = 0;
                subject.Exit();
            }
        });
        return ((Threads * sections) - state.Count, state.Overlaps);
    }

    private sealed class Section
    {
        public volatile int Inside;
        public long Count;
        public long Overlaps;
    }
}
