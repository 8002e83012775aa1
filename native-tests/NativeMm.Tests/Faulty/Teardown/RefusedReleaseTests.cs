using NativeMm.Heap;
using NativeMm.Tests.Concurrency.Teardown;
using NativeMm.Tests.Support;
using NativeMm.Tests.Support.Teardown;
using Xunit;

namespace NativeMm.Tests.Faulty.Teardown;

/// <summary>The system refuses to take pages back: they go with their addresses, and no end fails.</summary>
public sealed class RefusedReleaseTests
{
    public static TheoryData<int> Refused => [1, 2, 3, 7];

    [LinuxTheory]
    [MemberData(nameof(Refused))]
    public void Nothing_is_lost_when_every_nth_discard_is_refused(int every)
    {
        var fixture = new ReleaseFixture();
        NativeHeap heap = fixture.Filled();
        ReleaseFixture.Fill(fixture.Runtime.Heap);
        fixture.FillVmap(12 << 20);
        fixture.Platform.RefuseEvery = every;

        heap.Dispose();
        Assert.Equal(0UL, fixture.AssertAddsUp().ReleasingBytes);
        fixture.Runtime.Dispose();

        fixture.Ledger.AssertNothingLeaked();
    }

    [LinuxTheory]
    [MemberData(nameof(Refused))]
    public async Task Nothing_is_lost_in_the_background(int every)
    {
        var fixture = new ReleaseFixture();
        NativeHeap heap = fixture.Filled();
        fixture.Platform.RefuseEvery = every;
        var progress = new ProgressList();

        await heap.DisposeAsync(progress).WaitAsync(ReleaseFixture.Timeout);
        progress.AssertCompleteAndMonotone();
        await fixture.Runtime.DisposeAsync().AsTask().WaitAsync(ReleaseFixture.Timeout);

        fixture.Ledger.AssertNothingLeaked();
    }

    [LinuxFact]
    public void A_block_above_the_floor_goes_in_steps_when_it_is_freed()
    {
        using var fixture = new ReleaseFixture();
        NativeHeap heap = fixture.Runtime.CreateHeap();
        nint block = ReleaseFixture.Alloc(heap, 24 << 20);
        fixture.Platform.RefuseEvery = 2;

        ReleaseFixture.Free(heap, block);

        HeapReleaseTests.AssertEachOnce(fixture.Platform, 24 << 20);
        Assert.Single(fixture.Platform.Releases, range => range.Address == (nuint)block);
    }
}
