using System.Runtime.CompilerServices;
using NativeMm.Buffers;
using NativeMm.Heap;
using NativeMm.Primitives;
using NativeMm.Runtime;
using NativeMm.Tests.Support;
using NativeMm.Tests.Support.Teardown;
using Xunit;

namespace NativeMm.Tests.Concurrency.Teardown;

/// <summary>Arenas that are given back in the background.</summary>
public sealed class ArenaReleaseTests
{
    private const nuint MiB = ReleaseFixture.MiB;

    [LinuxFact]
    public async Task Who_does_not_wait_is_back_before_the_system_is_asked_for_anything()
    {
        using var fixture = new ReleaseFixture();
        NativeHeap heap = fixture.Runtime.Heap;
        Arena arena = Filled(heap);
        ulong before = fixture.AssertAddsUp().InUseBytes;
        var progress = new ProgressList();
        fixture.Platform.Hold();

        Task release = Task.CompletedTask;
        int calls = fixture.CallsHere(() => release = arena.DisposeAsync(progress));

        Assert.Equal(0, calls);
        Assert.False(release.IsCompleted);
        Assert.Throws<ObjectDisposedException>(() => arena.Alloc<byte>(1).Length);
        RuntimeStatistics during = fixture.AssertAddsUp();
        Assert.InRange(during.ReleasingBytes, (ulong)(20 * MiB), (ulong)(60 * MiB));
        Assert.Equal(before, during.InUseBytes + during.ReleasingBytes);

        fixture.Platform.LetGo();
        await release.WaitAsync(ReleaseFixture.Timeout);
        progress.AssertCompleteAndMonotone();
        Assert.Equal((0UL, 0UL), (fixture.AssertAddsUp().ReleasingBytes, fixture.AssertAddsUp().InUseBytes));
        await arena.DisposeAsync();
        arena.Dispose();
        heap.Validate();
    }

    [LinuxFact]
    public async Task What_a_cancellation_leaves_goes_with_Dispose()
    {
        using var fixture = new ReleaseFixture();
        Arena arena = Filled(fixture.Runtime.Heap);
        using var source = new CancellationTokenSource();
        fixture.Platform.Hold();
        Task release = arena.DisposeAsync(null, source.Token);
        await source.CancelAsync();
        fixture.Platform.LetGo();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => release.WaitAsync(ReleaseFixture.Timeout));

        arena.Dispose();

        Assert.Equal((0UL, 0UL), (fixture.AssertAddsUp().ReleasingBytes, fixture.AssertAddsUp().InUseBytes));
        fixture.Runtime.Heap.Validate();
    }

    [LinuxFact]
    public async Task A_small_arena_is_given_back_at_once()
    {
        using var fixture = new ReleaseFixture();
        var arena = new Arena(fixture.Runtime.Heap);
        arena.Alloc<byte>(1000);

        Assert.True(arena.DisposeAsync(null).IsCompletedSuccessfully);

        await arena.DisposeAsync();
        Assert.Equal(0UL, fixture.AssertAddsUp().InUseBytes);
    }

    [LinuxFact]
    public async Task What_was_stopped_and_forgotten_is_releasing_no_more()
    {
        using var fixture = new ReleaseFixture();
        await StopAndForget(fixture);

        HeapReleaseTests.Until(() =>
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            return fixture.AssertAddsUp().ReleasingBytes == 0;
        });

        // Another's blocks are in use, and none of them is taken for the arena's.
        nint block = ReleaseFixture.Alloc(fixture.Runtime.Heap, 50 << 20);
        RuntimeStatistics now = fixture.AssertAddsUp();
        Assert.Equal((0UL, 0L), (now.ReleasingBytes, now.Teardown.ReleasingBytes));
        Assert.InRange(now.InUseBytes, 50UL << 20, 51UL << 20);
        ReleaseFixture.Free(fixture.Runtime.Heap, block);
    }

    [LinuxTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_was_stopped_goes_with_its_heap(bool inBackground)
    {
        using var fixture = new ReleaseFixture();
        NativeHeap heap = fixture.Runtime.CreateHeap();
        Arena arena = await Stopped(fixture, heap);
        nint block = ReleaseFixture.Alloc(fixture.Runtime.Heap, 50 << 20);
        Assert.InRange(fixture.AssertAddsUp().ReleasingBytes, (ulong)MiB, 40UL << 20);

        if (inBackground)
        {
            await heap.DisposeAsync(null).WaitAsync(ReleaseFixture.Timeout);
        }
        else
        {
            heap.Dispose();
        }

        RuntimeStatistics now = fixture.AssertAddsUp();
        Assert.Equal(0UL, now.ReleasingBytes);
        Assert.InRange(now.InUseBytes, 50UL << 20, 51UL << 20);
        arena.Dispose();
        Assert.Equal(now.InUseBytes, fixture.AssertAddsUp().InUseBytes);
        ReleaseFixture.Free(fixture.Runtime.Heap, block);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static async Task StopAndForget(ReleaseFixture fixture) => _ = await Stopped(fixture, fixture.Runtime.Heap);

    /// <summary>An arena whose release was stopped with chunks left.</summary>
    private static async Task<Arena> Stopped(ReleaseFixture fixture, NativeHeap heap)
    {
        Arena arena = Filled(heap);
        using var source = new CancellationTokenSource();
        fixture.Platform.Hold();
        Task release = arena.DisposeAsync(null, source.Token);
        await source.CancelAsync();
        fixture.Platform.LetGo();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => release.WaitAsync(ReleaseFixture.Timeout));
        Assert.NotEqual(0UL, fixture.AssertAddsUp().ReleasingBytes);
        return arena;
    }

    /// <summary>Chunks above the retained bytes and the floor, so that the first of them holds the release up.</summary>
    internal static Arena Filled(NativeHeap heap)
    {
        var arena = new Arena(heap);
        arena.Alloc<byte>(20 << 20)[5 * Pfn.FrameBytes] = 1;
        for (int i = 0; i < 6; i++)
        {
            arena.Alloc<byte>(3 << 20).Fill(1);
        }

        return arena;
    }
}
