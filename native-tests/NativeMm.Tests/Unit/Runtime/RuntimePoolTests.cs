using NativeMm.Primitives;
using NativeMm.Runtime;
using NativeMm.Zsmalloc;
using Xunit;

namespace NativeMm.Tests.Unit.Runtime;

public sealed class RuntimePoolTests
{
    private static readonly MemoryRuntimeOptions s_options = new() { CapacityBytes = 64 << 20, BackgroundTrim = false };

    [Fact]
    public void A_pool_goes_with_its_runtime()
    {
        var runtime = new MemoryRuntime(s_options);
        ZsPool pool = runtime.CreateZsPool();
        pool.Alloc(1000);
        runtime.Validate();
        runtime.Dispose();
        Assert.True(pool.IsDisposed);
        Assert.Throws<ObjectDisposedException>(() => pool.Alloc(1000));
        Assert.Throws<ObjectDisposedException>(() => runtime.CreateZsPool());
    }

    [Fact]
    public void A_pool_that_was_disposed_before_is_forgotten()
    {
        using var runtime = new MemoryRuntime(s_options);
        ZsPool pool = runtime.CreateZsPool();
        pool.Alloc(1000);
        pool.Dispose();
        runtime.Trim();
        runtime.TrimIdle();
        runtime.Validate();
        Assert.Equal(0u, runtime.GetStatistics().InUseBytes);
        using ZsPool next = runtime.CreateZsPool();
        next.Alloc(1000);
        Assert.Equal(1024u, runtime.GetStatistics().InUseBytes);
        runtime.Validate();
    }

    [Fact]
    public void Trim_compacts_and_an_idle_pass_frees_what_is_empty()
    {
        using var runtime = new MemoryRuntime(s_options);
        ZsPool pool = runtime.CreateZsPool(new ZsPoolOptions { AutoCompact = false, Stripes = 1 });
        ZsHandle[] handles = [.. Enumerable.Range(0, 1000).Select(_ => pool.Alloc(1000))];
        for (int i = 0; i < handles.Length; i++)
        {
            if (i % 8 != 0)
            {
                pool.Free(handles[i]);
            }
        }

        long before = pool.GetTotalFrames();
        runtime.Trim();
        Assert.True(pool.GetTotalFrames() < before / 3, $"Of {before} frames {pool.GetTotalFrames()} are left.");

        for (int i = 0; i < 10; i++)
        {
            pool.Free(pool.Alloc(4096));
        }

        before = pool.GetTotalFrames();
        runtime.TrimIdle();
        Assert.Equal(before - 1, pool.GetTotalFrames());
    }

    [Fact]
    public void The_runtimes_migration_asks_its_pools()
    {
        using var runtime = new MemoryRuntime(s_options);
        ZsPool pool = runtime.CreateZsPool();
        ZsHandle handle = pool.Alloc(4096);
        int total = 0;
        for (uint block = 0; block < runtime.Frames.Zone.FrameCount; block += Order.Huge.Frames)
        {
            runtime.Migration.TryEmpty(new Pfn(block), out int moved);
            total += moved;
        }

        Assert.InRange(total, 1, 2);
        Assert.Equal(4096, pool.SizeOf(handle));
    }
}
