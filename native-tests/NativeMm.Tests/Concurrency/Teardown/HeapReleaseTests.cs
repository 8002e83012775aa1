using NativeMm.Heap;
using NativeMm.Platform;
using NativeMm.Runtime;
using NativeMm.Tests.Support;
using NativeMm.Tests.Support.Teardown;
using Xunit;

namespace NativeMm.Tests.Concurrency.Teardown;

/// <summary>Heaps that are given back in the background.</summary>
public sealed class HeapReleaseTests
{
    private const nuint MiB = ReleaseFixture.MiB;

    [LinuxTheory]
    [InlineData(2)]
    [InlineData(7)]
    public async Task Who_does_not_wait_is_back_before_the_system_is_asked_for_anything(int blocks)
    {
        using var fixture = new ReleaseFixture();
        NativeHeap heap = fixture.Filled(blocks);
        RuntimeStatistics before = fixture.AssertAddsUp();
        var progress = new ProgressList();
        fixture.Platform.Hold();

        Task release = Task.CompletedTask;
        int calls = fixture.CallsHere(() => release = heap.DisposeAsync(progress));

        Assert.Equal(0, calls);
        Assert.False(release.IsCompleted);
        Assert.Throws<ObjectDisposedException>(() => ReleaseFixture.Alloc(heap, 64));
        RuntimeStatistics during = fixture.AssertAddsUp();
        Assert.InRange(during.ReleasingBytes, (ulong)((((nuint)blocks * 8) + 6) * MiB), (ulong)((((nuint)blocks * 8) + 12) * MiB));
        Assert.Equal(before.CommittedBytes, during.CommittedBytes);

        fixture.Platform.LetGo();
        await release.WaitAsync(ReleaseFixture.Timeout);
        RuntimeStatistics after = fixture.AssertAddsUp();
        Assert.Equal(0UL, after.ReleasingBytes);
        Assert.True(after.CommittedBytes + (ulong)((((nuint)blocks * 8) + 6) * MiB) <= before.CommittedBytes);
        Assert.Equal(0UL, after.Zone.AllocatedFrames);
        progress.AssertCompleteAndMonotone();
    }

    [LinuxFact]
    public async Task States_add_up_at_every_step()
    {
        using var fixture = new ReleaseFixture();
        NativeHeap heap = fixture.Filled();
        List<ulong> left = [];
        var progress = new ProgressList { Told = _ => left.Add(fixture.AssertAddsUp().ReleasingBytes) };
        fixture.Platform.Discarding = () => fixture.AssertAddsUp();

        await heap.DisposeAsync(progress).WaitAsync(ReleaseFixture.Timeout);

        progress.AssertCompleteAndMonotone();
        fixture.Platform.Discarding = null;
        Assert.Equal(left.OrderDescending(), left);
        Assert.Equal(0UL, left[^1]);
    }

    [LinuxFact]
    public async Task What_a_cancellation_leaves_goes_with_the_next_Dispose_and_nothing_twice()
    {
        using var fixture = new ReleaseFixture();
        NativeHeap heap = fixture.Filled();
        using var source = new CancellationTokenSource();
        fixture.Platform.Hold();
        Task release = heap.DisposeAsync(null, source.Token);
        fixture.Platform.Permit(1);
        Until(() => fixture.Platform.Discards.Length != 0);

        await source.CancelAsync();
        fixture.Platform.LetGo();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => release.WaitAsync(ReleaseFixture.Timeout));

        Assert.True(release.IsCanceled);
        Assert.InRange(fixture.AssertAddsUp().ReleasingBytes, 1UL, (ulong)(44 * MiB));
        heap.Dispose();
        Assert.Equal(0UL, fixture.AssertAddsUp().ReleasingBytes);
        AssertEachOnce(fixture.Platform, 38 * MiB);
        Assert.True(heap.DisposeAsync(null).IsCompletedSuccessfully);
    }

    [LinuxFact]
    public async Task A_release_that_was_stopped_is_gone_on_with()
    {
        using var fixture = new ReleaseFixture();
        NativeHeap heap = fixture.Filled();
        using var source = new CancellationTokenSource();
        fixture.Platform.Hold();
        Task release = heap.DisposeAsync(null, source.Token);
        await source.CancelAsync();
        fixture.Platform.LetGo();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => release.WaitAsync(ReleaseFixture.Timeout));
        var progress = new ProgressList();

        await heap.DisposeAsync(progress).WaitAsync(ReleaseFixture.Timeout);

        Assert.Equal(0UL, fixture.AssertAddsUp().ReleasingBytes);
        progress.AssertCompleteAndMonotone();
        AssertEachOnce(fixture.Platform, 38 * MiB);
    }

    [LinuxTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_runtime_may_end_while_a_heap_is_given_back(bool cancel)
    {
        var fixture = new ReleaseFixture();
        NativeHeap heap = fixture.Filled();
        using var source = new CancellationTokenSource();
        fixture.Platform.Hold();
        Task release = heap.DisposeAsync(null, source.Token);
        Task end = Task.Run(fixture.Runtime.Dispose);
        if (cancel)
        {
            await source.CancelAsync();
        }

        fixture.Platform.LetGo();
        await end.WaitAsync(ReleaseFixture.Timeout);

        await release.ContinueWith(static _ => { }, TaskScheduler.Default).WaitAsync(ReleaseFixture.Timeout);
        Assert.True(release.IsCompletedSuccessfully || (cancel && release.IsCanceled));
        fixture.Ledger.AssertNothingLeaked();
    }

    [LinuxFact]
    public async Task What_the_progress_throws_reaches_the_waiter_and_the_memory_goes_back()
    {
        using var fixture = new ReleaseFixture();
        NativeHeap heap = fixture.Filled();
        var progress = new ProgressList { Told = _ => throw new InvalidTimeZoneException("of the test") };

        Task release = heap.DisposeAsync(progress);

        await Assert.ThrowsAsync<InvalidTimeZoneException>(() => release.WaitAsync(ReleaseFixture.Timeout));
        Assert.Equal(0UL, fixture.AssertAddsUp().ReleasingBytes);
        AssertEachOnce(fixture.Platform, 38 * MiB);
    }

    [LinuxFact]
    public async Task A_token_that_is_cancelled_before_leaves_the_heap_as_it_is()
    {
        using var fixture = new ReleaseFixture();
        NativeHeap heap = fixture.Filled();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => heap.DisposeAsync(null, new CancellationToken(canceled: true)));

        ReleaseFixture.Free(heap, ReleaseFixture.Alloc(heap, 100));
        heap.Validate();
    }

    [LinuxFact]
    public async Task A_small_heap_is_given_back_at_once()
    {
        using var fixture = new ReleaseFixture();
        NativeHeap heap = fixture.Runtime.CreateHeap();
        ReleaseFixture.Alloc(heap, 3 * MiB);

        Task release = heap.DisposeAsync(null);

        Assert.True(release.IsCompletedSuccessfully);
        Assert.Empty(fixture.Platform.Discards);
        await heap.DisposeAsync();
        Assert.Equal(0UL, fixture.AssertAddsUp().ReleasingBytes);
    }

    [LinuxFact]
    public async Task Of_several_who_dispose_all_wait_for_the_last_byte()
    {
        using var fixture = new ReleaseFixture();
        NativeHeap heap = fixture.Filled();
        fixture.Platform.Hold();
        Task first = heap.DisposeAsync(null);
        Task second = heap.DisposeAsync(null);
        Task third = Task.Run(() =>
        {
            heap.Dispose();
            Assert.Equal(0UL, fixture.AssertAddsUp().ReleasingBytes);
        });

        fixture.Platform.LetGo();
        await Task.WhenAll(first, second, third).WaitAsync(ReleaseFixture.Timeout);
        AssertEachOnce(fixture.Platform, 38 * MiB);
    }

    [LinuxTheory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(8)]
    public void Who_waits_gives_every_page_back_once_at_every_width(int maxActive)
    {
        using var fixture = new ReleaseFixture(maxActive);
        NativeHeap heap = fixture.Filled();

        heap.Dispose();

        AssertEachOnce(fixture.Platform, 38 * MiB);
        RuntimeStatistics after = fixture.AssertAddsUp();
        Assert.Equal(1, after.Teardown.Jobs);
        Assert.Equal(0UL, after.Zone.AllocatedFrames);
    }

    internal static void AssertEachOnce(ReleasingPlatform platform, nuint bytes)
    {
        var ranges = new RangeLedger();
        ulong sum = 0;
        foreach (AddressRange call in platform.Discards)
        {
            ranges.Add(call.Address, call.Bytes);
            sum += call.Bytes;
        }

        Assert.Equal((ulong)bytes, sum);
        Assert.Equal((ulong)bytes, ranges.LiveBytes);
    }

    internal static void Until(Func<bool> condition) => Assert.True(SpinWait.SpinUntil(condition, ReleaseFixture.Timeout));
}
