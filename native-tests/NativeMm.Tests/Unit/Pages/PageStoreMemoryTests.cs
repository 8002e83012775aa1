using NativeMm.Buffers;
using NativeMm.Frames;
using NativeMm.Primitives;
using NativeMm.Reporting;
using NativeMm.Runtime;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Pages;

/// <summary>When most pages are removed from a store, their memory goes back to the system, wherever it lies.</summary>
public sealed class PageStoreMemoryTests
{
    private const int Pages = 12_000;
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(30);

    [LinuxTheory]
    [InlineData("at random")]
    [InlineData("every fifth stays")]
    [InlineData("the first go")]
    public void Passes_give_back_what_no_page_needs(string pattern)
    {
        using MemoryRuntime runtime = Make();
        using var store = new CompressedPageStore(runtime: runtime);
        Fill(store);
        ulong full = Held(runtime);
        RemoveMost(store, pattern);

        // Compaction that began by itself may be at some class on a thread of the pool, which a pass then leaves to it.
        SpinWait.SpinUntil(
            () =>
            {
                runtime.TrimIdle();
                return Used(runtime) * 2 < full && Wasted(runtime) <= Tolerated(runtime);
            },
            s_timeout);

        ulong used = Used(runtime);
        Assert.True(used * 2 < full, $"The pool did not get smaller: {used} frames are in use of {full} at first.");
        AssertLittleWaste(runtime);
        AssertHolds(store, pattern);
        runtime.Validate();
    }

    [LinuxFact]
    public void Trim_moves_frames_together_too()
    {
        using MemoryRuntime runtime = Make();
        using var store = new CompressedPageStore(runtime: runtime);
        Fill(store);
        RemoveMost(store, "at random");

        // As above: one trim leaves out what another thread is at.
        SpinWait.SpinUntil(
            () =>
            {
                runtime.Trim();
                return Wasted(runtime) <= Tolerated(runtime);
            },
            s_timeout);
        AssertLittleWaste(runtime);
        Assert.True(store.GetStatistics().Pages > 0);
        AssertHolds(store, "at random");
        runtime.Validate();
    }

    [LinuxFact]
    public void What_was_in_use_a_moment_ago_is_not_moved()
    {
        using var runtime = new MemoryRuntime(new MemoryRuntimeOptions
        {
            CapacityBytes = 256 << 20,
            BackgroundTrim = false,
            Reporting = new PageReporterOptions { Delay = TimeSpan.FromHours(1) },
        });
        using var store = new CompressedPageStore(runtime: runtime);
        Fill(store);
        runtime.TrimIdle();
        RemoveMost(store, "at random");
        for (int pass = 0; pass < 10; pass++)
        {
            runtime.TrimIdle();
        }

        Assert.Equal(0, store.Pool.GetStatistics().FramesMigrated);
    }

    private static MemoryRuntime Make() => new(new MemoryRuntimeOptions
    {
        CapacityBytes = 256 << 20,
        BackgroundTrim = false,
        PurgeDelay = TimeSpan.FromMilliseconds(10),
        Reporting = new PageReporterOptions { Delay = TimeSpan.Zero, HighWaterBlocks = 1, BudgetDivisor = 1 },
    });

    private static ulong Held(MemoryRuntime runtime) => Used(runtime) + Wasted(runtime);

    private static ulong Used(MemoryRuntime runtime) => runtime.Frames.GetStatistics().AllocatedFrames;

    /// <summary>A tenth, or the 2 MiB that are left alone whatever is in use.</summary>
    private static ulong Tolerated(MemoryRuntime runtime) => ulong.Max(Used(runtime) / 10, FrameMigration.WasteFramesMin);

    private static void AssertLittleWaste(MemoryRuntime runtime) => Assert.True(
        Wasted(runtime) <= Tolerated(runtime),
        $"{Wasted(runtime)} frames are free and resident beside {Used(runtime)} in use; at most {Tolerated(runtime)} should be.");

    private static ulong Wasted(MemoryRuntime runtime)
    {
        FrameStatistics now = runtime.Frames.GetStatistics();
        return now.FreeFrames - now.ReportedFrames;
    }

    private static void Fill(CompressedPageStore store)
    {
        byte[] page = new byte[store.PageBytes];
        for (int i = 0; i < Pages; i++)
        {
            Write(page, i);
            store.Store((ulong)i, page);
        }
    }

    private static void Write(byte[] page, int number)
    {
        Array.Clear(page);
        var random = new Random(number);
        random.NextBytes(page.AsSpan(0, random.Next(3000)));
    }

    private static bool Stays(int page, string pattern) => pattern switch
    {
        "at random" => new Random(page).Next(100) >= 80,
        "every fifth stays" => page % 5 == 0,
        _ => page >= Pages * 4 / 5,
    };

    private static void RemoveMost(CompressedPageStore store, string pattern)
    {
        for (int i = 0; i < Pages; i++)
        {
            if (!Stays(i, pattern))
            {
                store.Remove((ulong)i);
            }
        }
    }

    private static void AssertHolds(CompressedPageStore store, string pattern)
    {
        byte[] page = new byte[store.PageBytes];
        byte[] loaded = new byte[store.PageBytes];
        for (int i = 0; i < Pages; i++)
        {
            if (Stays(i, pattern))
            {
                Write(page, i);
                Assert.True(store.TryLoad((ulong)i, loaded) && page.AsSpan().SequenceEqual(loaded), $"Page {i} has changed.");
            }
        }
    }
}
