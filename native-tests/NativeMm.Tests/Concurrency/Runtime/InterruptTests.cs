using System.Diagnostics;
using NativeMm.Buffers;
using NativeMm.Frames;
using NativeMm.Heap;
using NativeMm.Runtime;
using NativeMm.Tests.Support;
using NativeMm.Vmap;
using NativeMm.Zsmalloc;
using Xunit;

namespace NativeMm.Tests.Concurrency.Runtime;

/// <summary>Threads that somebody interrupts all the time: no verb throws, nothing hangs, nothing is lost.</summary>
public sealed unsafe class InterruptTests
{
    private const int Threads = 6;
    private const int InterruptsMin = 100;

    private static readonly TimeSpan s_duration = TimeSpan.FromMilliseconds(700);

    [Theory]
    [InlineData(64)]
    [InlineData(4096)]
    [InlineData(100_000)]
    [InlineData(3 << 20)]
    public void Heap_goes_on(int bytes)
    {
        using MemoryRuntime runtime = Make(FrameAllocatorKind.Buddy);
        NativeHeap heap = runtime.Heap;
        int count = Math.Min(200, (8 << 20) / bytes);
        Interrupt(thread =>
        {
            if (thread == 0)
            {
                heap.Trim();
                return;
            }

            nint* blocks = stackalloc nint[count];
            for (int i = 0; i < count; i++)
            {
                blocks[i] = (nint)heap.Alloc((nuint)bytes);
            }

            for (int i = 0; i < count; i++)
            {
                heap.Free((void*)blocks[i]);
            }
        });
        runtime.Validate();
        Assert.Equal(0u, runtime.GetStatistics().InUseBytes);
    }

    [Fact]
    public void Pool_goes_on()
    {
        using MemoryRuntime runtime = Make(FrameAllocatorKind.LockFree);
        ZsPool pool = runtime.CreateZsPool(new ZsPoolOptions { Stripes = 1 });
        Interrupt(thread =>
        {
            if (thread == 0)
            {
                pool.Compact();
                return;
            }

            ZsHandle* objects = stackalloc ZsHandle[100];
            for (int i = 0; i < 100; i++)
            {
                objects[i] = pool.Alloc(200);
            }

            for (int i = 0; i < 100; i++)
            {
                pool.Free(objects[i]);
            }
        });
        pool.Validate();
        Assert.Equal(0, pool.GetStatistics().Objects);
    }

    [LinuxFact]
    public void Ranges_go_on()
    {
        using var vmap = new VmapAllocator(new VmapOptions
        {
            CapacityBytes = 64 << 20,
            LazyBytesMax = 1 << 20,
            PooledBytesMaxPerCore = 0,
            Purge = new LazyPurgePolicy { Executor = PurgeExecutor.Caller },
        });
        Interrupt(_ => vmap.Free(vmap.Alloc(16 << 10)));
        vmap.Purge(pools: true);
        vmap.Validate();
        Assert.Equal((0, 0), (vmap.GetStatistics().BusyPages, vmap.GetStatistics().LazyPages));
    }

    /// <summary>What disposes joins threads and takes every lock there is.</summary>
    [Fact]
    public void Dispose_goes_through_with_an_interrupt_pending() => StartGate.Run(1, _ =>
    {
        var runtime = new MemoryRuntime(new MemoryRuntimeOptions { CapacityBytes = 64 << 20 });
        NativeHeap heap = runtime.CreateHeap();
        ZsPool pool = runtime.CreateZsPool();
        IDisposable[] owners =
        [
            new NativeBuffer<byte>(100, heap: heap), new Arena(heap), pool, heap, runtime, .. OperatingSystem.IsLinux() ? [new VmapAllocator()] : (IDisposable[])[],
        ];
        Thread.CurrentThread.Interrupt();
        foreach (IDisposable owner in owners)
        {
            owner.Dispose();
        }

        Assert.Throws<ThreadInterruptedException>(() => Thread.Sleep(1));
    });

    private static MemoryRuntime Make(FrameAllocatorKind kind) =>
        new(new MemoryRuntimeOptions { CapacityBytes = 256 << 20, FrameAllocator = kind, BackgroundTrim = false });

    /// <summary>Runs rounds of work on threads that are interrupted; what a round throws fails the test.</summary>
    private static void Interrupt(Action<int> round)
    {
        var running = new Thread?[Threads];
        int interrupts = 0;
        var clock = Stopwatch.StartNew();
        StartGate.RunBeside(Threads, Work, 1, (_, goesOn) => Disturb(goesOn));

        void Work(int thread)
        {
            try
            {
                Volatile.Write(ref running[thread], Thread.CurrentThread);
                while (clock.Elapsed < s_duration || Volatile.Read(ref interrupts) < InterruptsMin)
                {
                    round(thread);
                }
            }
            finally
            {
                Volatile.Write(ref running[thread], null);
            }
        }

        void Disturb(Func<bool> goesOn)
        {
            while (goesOn())
            {
                foreach (ref Thread? other in running.AsSpan())
                {
                    if (Volatile.Read(ref other) is { } disturbed)
                    {
                        disturbed.Interrupt();
                        Interlocked.Increment(ref interrupts);
                    }
                }

                Thread.Yield();
            }
        }
    }
}
