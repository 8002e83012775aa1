using NativeMm.Lab.Experiments.Vmalloc;
using NativeMm.Vmap;
using Xunit;

namespace NativeMm.Tests.Unit.Lab;

public sealed class PurgePolicyTextTests
{
    [Theory]
    [InlineData("default", "default")]
    [InlineData("worker:100:pages", "worker:100:pages")]
    [InlineData("caller:0001:both", "caller:1:both")]
    [InlineData("workers:threshold:either", "workers:threshold:either")]
    [InlineData("caller:never:pages", "caller:never:pages")]
    [InlineData("caller:16777216:pages", "caller:16777216:pages")]
    [InlineData("", null)]
    [InlineData("worker", null)]
    [InlineData("worker:100", null)]
    [InlineData("worker:100:pages:more", null)]
    [InlineData("worker:0:pages", null)]
    [InlineData("worker:-1:pages", null)]
    [InlineData("worker:16777217:pages", null)]
    [InlineData("nobody:100:pages", null)]
    [InlineData("worker:100:never", null)]
    [InlineData("DEFAULT", null)]
    public void Texts_are_canonical_or_refused(string text, string? canonical) => Assert.Equal(canonical, PurgePolicyText.Normalize(text));

    [Fact]
    public void The_default_is_the_librarys() =>
        Assert.Equal(new LazyPurgePolicy { LazyPagesMax = 7 }, PurgePolicyText.Parse("default", 7));

    [Theory]
    [InlineData("caller:never:pages", PurgeExecutor.Caller, PurgeLockRelease.Never, null, PurgeTrigger.Pages)]
    [InlineData("worker:1000:both", PurgeExecutor.Worker, PurgeLockRelease.EveryBatch, 1000, PurgeTrigger.PagesAndPieces)]
    [InlineData("workers:threshold:either", PurgeExecutor.WorkerPerLazyMax, PurgeLockRelease.BelowThreshold, 1, PurgeTrigger.PagesOrPieces)]
    public void A_text_means_a_policy(string text, PurgeExecutor executor, PurgeLockRelease release, int? batch, PurgeTrigger trigger)
    {
        LazyPurgePolicy policy = PurgePolicyText.Parse(text, 8192);

        Assert.Equal((executor, release, trigger, 8192u), (policy.Executor, policy.LockRelease, policy.Trigger, policy.LazyPagesMax));
        Assert.True(batch is null || policy.LockReleaseBatch == batch);
        policy.Validate();
    }

    [Fact]
    public void The_sweep_has_every_executor_with_every_release_and_is_canonical()
    {
        Assert.All(PurgePolicyText.Sweep, text => Assert.Equal(text, PurgePolicyText.Normalize(text)));
        Assert.Equal(PurgePolicyText.Sweep.Length, PurgePolicyText.Sweep.Distinct().Count());
        IEnumerable<(PurgeExecutor, PurgeLockRelease)> pairs = PurgePolicyText.Sweep.Select(t => PurgePolicyText.Parse(t, 1)).Select(p => (p.Executor, p.LockRelease));
        Assert.Equal(Enum.GetValues<PurgeExecutor>().Length * Enum.GetValues<PurgeLockRelease>().Length, pairs.Distinct().Count());
        Assert.Equal(Enum.GetValues<PurgeTrigger>(), PurgePolicyText.Sweep.Select(t => PurgePolicyText.Parse(t, 1).Trigger).Distinct().Order());
    }
}
