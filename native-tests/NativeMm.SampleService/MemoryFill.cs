using System.Diagnostics;
using NativeMm.Extensions;
using NativeMm.Runtime;

namespace NativeMm.SampleService;

/// <summary>
/// Fills the memory of the process from the native side and from the managed side in turn, each time as far as it goes: a cache of native blocks that gives
/// them up when it is asked, and managed arrays that are dropped. To be run in a container with little memory: without the budget one side starves the other.
/// </summary>
internal static class MemoryFill
{
    private const int BlockBytes = 256 << 10;

    /// <summary>Runs for a while; the exit code is the number of allocations that failed.</summary>
    public static async Task<int> RunAsync(TimeSpan duration)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Services.AddNativeMm(options => options.TotalMemoryLimit = MemoryLimit.FromShare(0.9));
        builder.Services.AddSingleton<BlockCache>();
        builder.Services.AddSingleton<IMemoryPressureHandler>(services => services.GetRequiredService<BlockCache>());
        using IHost host = builder.Build();
        await host.StartAsync();
        MemoryBudget budget = host.Services.GetRequiredService<MemoryBudget>();
        BlockCache cache = host.Services.GetRequiredService<BlockCache>();
        var clock = Stopwatch.StartNew();
        int failures = 0;
        long nativeMost = 0;
        long managedMost = 0;
        for (int round = 0; clock.Elapsed < duration; round++)
        {
            // Native: the cache grows past the limit; the budget has it give blocks up.
            for (long bytes = 0; bytes < budget.TotalBytes && clock.Elapsed < duration; bytes += BlockBytes)
            {
                failures += cache.TryAdd(BlockBytes) ? 0 : 1;
                nativeMost = long.Max(nativeMost, cache.Bytes);
                await PaceAsync(bytes);
            }

            // Managed: half of the limit must be to be had although the cache holds the rest.
            var arrays = new List<byte[]>();
            for (long bytes = 0; bytes < budget.TotalBytes / 2 && clock.Elapsed < duration; bytes += BlockBytes)
            {
                try
                {
                    byte[] array = new byte[BlockBytes];
                    array.AsSpan().Fill(1);
                    arrays.Add(array);
                    managedMost = long.Max(managedMost, bytes);
                }
                catch (OutOfMemoryException)
                {
                    failures++;
                }

                await PaceAsync(bytes);
            }
        }

        Console.Out.WriteLine(
            $"limit {budget.TotalBytes >> 20} MiB, native at most {nativeMost >> 20} MiB, managed at most {managedMost >> 20} MiB, "
            + $"{budget.Events.Count} times short of late, {failures} allocations failed");
        await host.StopAsync();
        return failures;
    }

    // About 200 MiB a second: as fast as a busy service fills a cache.
    private static Task PaceAsync(long bytes) => bytes % (4 << 20) == 0 ? Task.Delay(20) : Task.CompletedTask;

    /// <summary>Blocks of native memory, the oldest given up first.</summary>
    private sealed unsafe class BlockCache(MemoryRuntime runtime) : IMemoryPressureHandler
    {
        private readonly Queue<(nint Block, int Bytes)> _blocks = new();
        private readonly Lock _lock = new();

        public long Bytes { get; private set; }

        public bool TryAdd(int bytes)
        {
            if (!runtime.Heap.TryAlloc((nuint)bytes, out void* block))
            {
                return Release(bytes) > 0 && TryAdd(bytes);
            }

            new Span<byte>(block, bytes).Fill(1);
            lock (_lock)
            {
                _blocks.Enqueue(((nint)block, bytes));
                Bytes += bytes;
            }

            return true;
        }

        public long Release(long bytes)
        {
            long released = 0;
            lock (_lock)
            {
                while (released < bytes && _blocks.TryDequeue(out (nint Block, int Bytes) oldest))
                {
                    runtime.Heap.Free((void*)oldest.Block);
                    released += oldest.Bytes;
                    Bytes -= oldest.Bytes;
                }
            }

            // Freed blocks lie in caches of the runtime first.
            runtime.Trim();
            return released;
        }
    }
}
