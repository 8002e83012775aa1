using NativeMm.AddressSpaces;
using NativeMm.Buffers;
using NativeMm.Caching;
using NativeMm.Runtime;

namespace NativeMm.Tests.Child.Scenarios;

/// <summary>Uses everything that can be had over a runtime of one's own, and prints after what of it there was a shared one; nothing if never.</summary>
internal static class PrivateRuntimeScenario
{
    private static readonly HashSet<string> s_said = [];

    public static int Run(string[] arguments)
    {
        using (var runtime = new MemoryRuntime(new MemoryRuntimeOptions { CapacityBytes = 256 << 20 }))
        {
            Note("runtime");
            UseBuffers(runtime);
            UseCache(runtime);
            using (var store = new CompressedPageStore(runtime: runtime))
            {
                store.Store(7, new byte[4096]);
                store.TryLoad(7, new byte[4096]);
            }

            Note("store");
            using (AddressSpace space = runtime.CreateAddressSpace())
            {
                long address = space.Map(1 << 20, Protection.ReadWrite);
                space.Write(address, 1L);
                space.Unmap(address, 1 << 20);
            }

            Note("space");
            using (var memory = new PagedMemory(16 << 20, new PagedMemoryOptions { ResidentBytes = 4 << 20 }, runtime))
            {
                for (long at = 0; at < memory.Length; at += 4096)
                {
                    memory.Write(at, at);
                }
            }

            Note("paged memory");
            runtime.Trim();
            runtime.Validate();
            _ = runtime.GetStatistics();
            Note("trim");
        }

        Note("end");
        return 0;
    }

    private static void UseBuffers(MemoryRuntime runtime)
    {
        using (var buffer = new NativeBuffer<byte>(100, heap: runtime.Heap))
        {
            buffer.Span.Clear();
        }

        Note("buffer");
        using (var writer = new NativeBufferWriter<byte>(runtime.Heap))
        {
            for (int i = 0; i < 100; i++)
            {
                writer.GetSpan(10_000).Clear();
                writer.Advance(10_000);
            }
        }

        Note("writer");
        using (var pool = new NativeMemoryPool(runtime.Heap))
        {
            pool.Rent(5000).Dispose();
        }

        Note("pool");
        using (var arena = new Arena(runtime.Heap))
        {
            arena.Alloc<byte>(100_000).Clear();
        }

        Note("arena");
        using (var ring = new MirroredRingBuffer(64 << 10, runtime))
        {
            Note("ring");
        }
    }

    private static void UseCache(MemoryRuntime runtime)
    {
        using var cache = new NativeCache(runtime, new NativeCacheOptions { SizeLimit = 16 << 20 });
        for (int i = 0; i < 30_000; i++)
        {
            cache.Set(BitConverter.GetBytes(i), new byte[(i * 37 % 100) + (i % 1000 == 0 ? 3_000_000 : 0)]);
        }

        byte[] value = new byte[4 << 20];
        for (int i = 29_000; i < 30_000; i++)
        {
            _ = cache.TryGet(BitConverter.GetBytes(i), value, out _);
        }

        cache.Clear();
        Note("cache");
    }

    private static void Note(string what)
    {
        if (MemoryRuntime.SharedIfUsed is not null && s_said.Count == 0)
        {
            s_said.Add(what);
            Console.Out.WriteLine(what);
        }
    }
}
