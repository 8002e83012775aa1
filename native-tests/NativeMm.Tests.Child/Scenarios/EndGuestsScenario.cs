using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Primitives;
using NativeMm.Runtime;
using NativeMm.Vmap;
using NativeMm.Zsmalloc;

namespace NativeMm.Tests.Child.Scenarios;

/// <summary>
/// One thread counts, checks or trims a part of a runtime without end, as an exporter of metrics does, and another one disposes the runtime. Prints each
/// part before its turn, so that the last line names the one that killed the process, and what was thrown beside
/// <see cref="ObjectDisposedException"/>.
/// </summary>
internal static unsafe class EndGuestsScenario
{
    private const int Rounds = 3;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private static readonly (string Name, Action<MemoryRuntime, ZsPool, VmapAllocator> Visit)[] s_parts =
    [
        ("pool statistics", (_, pool, _) => pool.GetStatistics()),
        ("pool classes", (_, pool, _) => pool.GetClassStatistics()),
        ("pool validation", (_, pool, _) => pool.Validate()),
        ("frame statistics", (runtime, _, _) => runtime.Frames.GetStatistics()),
        ("frame validation", (runtime, _, _) => runtime.Frames.Validate()),
        ("frame drain", (runtime, _, _) => runtime.Frames.Drain()),
        ("frame isolation", (runtime, _, _) => Isolate(runtime.Frames)),
        ("vmap statistics", (_, _, vmap) => vmap.GetStatistics()),
        ("vmap validation", (_, _, vmap) => vmap.Validate()),
        ("vmap trim", (_, _, vmap) => vmap.Trim()),
        ("vmap purge", (_, _, vmap) => vmap.Purge(pools: true)),
        ("vmap ranges", (_, _, vmap) => vmap.GetAreas()),
        ("vmap aliases", (_, _, vmap) => vmap.UnmapAliases()),
        ("vmap shrinker", (_, _, vmap) => vmap.Shrink(1)),
    ];

    public static int Run(string[] arguments)
    {
        foreach (FrameAllocatorKind kind in Enum.GetValues<FrameAllocatorKind>())
        {
            foreach ((string name, Action<MemoryRuntime, ZsPool, VmapAllocator> visit) in s_parts)
            {
                // Pools and ranges are the same over any frames.
                if (kind != FrameAllocatorKind.LockFree && !name.StartsWith("frame", StringComparison.Ordinal))
                {
                    continue;
                }

                Console.Out.WriteLine($"{kind} {name}");
                for (int round = 0; round < Rounds; round++)
                {
                    EndBeside(kind, visit);
                }
            }
        }

        Console.Out.WriteLine("alive");
        return 0;
    }

    private static void EndBeside(FrameAllocatorKind kind, Action<MemoryRuntime, ZsPool, VmapAllocator> visit)
    {
        var runtime = new MemoryRuntime(new MemoryRuntimeOptions
        {
            CapacityBytes = 256 << 20,
            FrameAllocator = kind,
            BackgroundTrim = false,
            Vmap = new VmapOptions { CapacityBytes = 64 << 20 },
        });
        ZsPool pool = runtime.CreateZsPool();
        VmapAllocator vmap = runtime.Vmap;
        Fill(runtime.Frames, pool, vmap);
        using var isAtIt = new ManualResetEventSlim();
        Exception? problem = null;
        var guest = new Thread(() =>
        {
            try
            {
                // A shrinker of an allocator that is gone gives nothing and says nothing.
                while (!pool.IsDisposed || !IsGone(vmap))
                {
                    visit(runtime, pool, vmap);
                    isAtIt.Set();
                }
            }
            catch (Exception expected) when (expected is ObjectDisposedException or InvariantViolationException)
            {
                // The end of other parts is no rest: a validation may say so.
            }
            catch (Exception other)
            {
                problem = other;
            }

            isAtIt.Set();
        });
        guest.Start();
        bool began = isAtIt.Wait(s_patience);
        runtime.Dispose();
        if (!began || !guest.Join(s_patience) || problem is not null)
        {
            Console.Out.WriteLine($"failed: {problem?.ToString() ?? "the guest does not end"}");
        }
    }

    private static bool IsGone(VmapAllocator vmap)
    {
        try
        {
            vmap.FindArea(null);
            return false;
        }
        catch (ObjectDisposedException)
        {
            return true;
        }
    }

    /// <summary>So much, and so scattered, that a look at it takes a while.</summary>
    private static void Fill(IFrameAllocator frames, ZsPool pool, VmapAllocator vmap)
    {
        for (int i = 0; i < 5_000; i++)
        {
            pool.Alloc(1 + (i % 500));
        }

        var blocks = new List<Pfn>();
        while (frames.TryAllocate(new Order(4), FrameFlags.NoReclaim, out Pfn block, out _))
        {
            blocks.Add(block);
        }

        for (int i = 0; i < blocks.Count; i += 2)
        {
            frames.Free(blocks[i], new Order(4));
        }

        for (int i = 0; i < 100; i++)
        {
            void* range = vmap.Alloc((nuint)(1 + (i % 7)) * Pfn.FrameBytes);
            if (i % 2 == 0)
            {
                vmap.Free(range);
            }
        }
    }

    private static void Isolate(IFrameAllocator frames)
    {
        var blocks = new Pfn[32];
        uint cursor = 0;
        int count = frames.Isolate(new Order(4), blocks, ref cursor);
        frames.PutBack(blocks.AsSpan(0, count), new Order(4), FrameContent.Unknown);
    }
}
