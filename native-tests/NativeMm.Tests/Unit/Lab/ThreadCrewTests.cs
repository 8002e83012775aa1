using NativeMm.Lab.Harness;
using NativeMm.Platform;
using Xunit;

namespace NativeMm.Tests.Unit.Lab;

public sealed class ThreadCrewTests
{
    [Fact]
    public void Every_thread_works_once_a_round_and_they_work_at_the_same_time()
    {
        using var crew = new ThreadCrew(4, pin: false);
        using var together = new Barrier(4);
        var calls = new int[4];
        for (int round = 0; round < 20; round++)
        {
            double time = crew.Run(thread =>
            {
                calls[thread]++;
                Assert.True(together.SignalAndWait(TimeSpan.FromSeconds(30)));
            });
            Assert.True(time > 0);
        }

        Assert.Equal([20, 20, 20, 20], calls);
    }

    [Fact]
    public void A_failure_is_reported_and_frees_those_who_wait_for_the_failed_one()
    {
        using var crew = new ThreadCrew(2, pin: false);
        InvalidOperationException thrown = Assert.Throws<InvalidOperationException>(() => crew.Run(thread =>
        {
            if (thread == 0)
            {
                throw new FormatException("no good");
            }

            while (true)
            {
                crew.Abort.ThrowIfRaised();
                Thread.Yield();
            }
        }));
        Assert.NotNull(thrown.InnerException);
    }

    [Fact]
    public void A_pinned_thread_stays_on_its_core()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        using var crew = new ThreadCrew(1, pin: true);
        CoreSet? cores = null;
        crew.Run(_ => Assert.True(ThreadAffinity.Get(out cores).Succeeded));
        Assert.Equal([CorePlan.First], cores!.ToList().Select(core => core.Value));
    }
}
