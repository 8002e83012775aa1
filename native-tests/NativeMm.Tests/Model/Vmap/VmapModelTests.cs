using NativeMm.Tests.Support;
using NativeMm.Vmap;
using Xunit;
using Xunit.Sdk;

namespace NativeMm.Tests.Model.Vmap;

/// <summary>Histories of every kind of call against a naive model of ranges, frames and mappings.</summary>
public sealed class VmapModelTests
{
    [LinuxTheory]
    [InlineData(0u, PurgeExecutor.Caller)]
    [InlineData(256u << 10, PurgeExecutor.Caller)]
    [InlineData(32u << 20, PurgeExecutor.Worker)]
    public void Histories_equal_the_model(uint pooledBytes, PurgeExecutor executor)
    {
        int seed = Environment.TickCount;
        for (int run = 0; run < 3; run++, seed++)
        {
            var platform = new MappedFramesPlatform();
            using var vmap = new VmapAllocator(
                new VmapOptions
                {
                    CapacityBytes = 16 << 20,
                    WindowBytes = 64 << 20,
                    PooledBytesMaxPerCore = pooledBytes,
                    Purge = new LazyPurgePolicy { Executor = executor, LazyPagesMax = 256, LazyPiecesMax = 32 },
                },
                platform);
            var model = new VmapModel(vmap, platform, seed);
            try
            {
                model.Run(steps: 1500);
            }
            catch (Exception problem) when (problem is not OutOfMemoryException)
            {
                throw new XunitException($"Seed {seed}: {problem.Message}{Environment.NewLine}After: {model.History}", problem);
            }
        }
    }
}
