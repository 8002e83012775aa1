using System.Buffers;
using NativeMm.Buffers;
using NativeMm.Heap;
using NativeMm.Heap.Sampled;
using NativeMm.Runtime;

namespace NativeMm.Tests.Aot;

/// <summary>
/// A program of all parts that is compiled ahead of time: each step works there as it does under the JIT. The exit code is the number of steps
/// that gave a wrong answer.
/// </summary>
internal static unsafe class Program
{
    private static int s_failures;

    public static int Main()
    {
        Check("heap", Heap);
        Check("threads", Threads);
        Check("guards", Guards);
        Check("buffers", Buffers);
        Check("pages", Pages);
        Check("ring", Ring);
        Check("end", End);
        Console.Out.WriteLine(s_failures == 0 ? "all parts work" : $"{s_failures} parts failed");
        return s_failures;
    }

    private static void Check(string name, Func<bool> step)
    {
        try
        {
            if (step())
            {
                return;
            }

            Console.Error.WriteLine($"{name}: a wrong answer");
        }
#pragma warning disable CA1031 // Whatever it is, it is what this program is to find.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Console.Error.WriteLine($"{name}: {e}");
        }

        s_failures++;
    }

    private static bool Heap()
    {
        NativeHeap heap = NativeHeap.Shared;
        var blocks = new nint[10_000];
        for (int i = 0; i < blocks.Length; i++)
        {
            blocks[i] = (nint)heap.AllocZeroed((nuint)(i % 3000) + 1);
            *(byte*)blocks[i] = (byte)i;
        }

        bool right = true;
        for (int i = 0; i < blocks.Length; i++)
        {
            blocks[i] = (nint)heap.Realloc((void*)blocks[i], (nuint)(i % 5000) + 1);
            right &= *(byte*)blocks[i] == (byte)i;
        }

        heap.FreeBulk(blocks);
        MemoryRuntime.Shared.Trim();
        MemoryRuntime.Shared.Validate();
        return right && heap.GetStatistics().Classes.Sum(row => row.LiveBlocks) == 0;
    }

    private static bool Threads()
    {
        var passing = new nint[20_000];
        var maker = new Thread(() => NativeHeap.Shared.AllocBulk(64, passing));
        maker.Start();
        maker.Join();
        NativeHeap.Shared.FreeBulk(passing);
        MemoryRuntime.Shared.Validate();
        return passing.Distinct().Count() == passing.Length;
    }

    private static bool Guards()
    {
        var options = new MemoryRuntimeOptions
        {
            CapacityBytes = 64 << 20,
            Sampled = new SampledOptions { Enabled = true, Interval = 1, TimePercentMax = 100 },
        };
        using var runtime = new MemoryRuntime(options);
        var blocks = new nint[2000];
        runtime.Heap.AllocBulk(100, blocks);
        bool guarded = runtime.Heap.GetStatistics().GuardedBlocks > 0 || !OperatingSystem.IsLinux();
        runtime.Heap.FreeBulk(blocks);
        return guarded && runtime.Heap.GetStatistics().LiveBytes == 0;
    }

    private static bool Buffers()
    {
        using var buffer = new NativeBuffer<int>(100_000, zeroed: true, alignment: 64);
        buffer.Span[99_999] = 7;
        using IMemoryOwner<byte> rented = NativeMemoryPool.Default.Rent(5000);
        rented.Memory.Span.Fill(3);
        using var writer = new NativeBufferWriter<byte>();
        writer.Write(rented.Memory.Span);
        using NativeBuffer<byte> message = writer.ToOwner();
        using var arena = new Arena();
        Span<long> longs = arena.AllocZeroed<long>(1000);
        return buffer[99_999] == 7 && message.Span.IndexOfAnyExcept((byte)3) < 0 && longs.IndexOfAnyExcept(0) < 0;
    }

    private static bool Pages()
    {
        using var store = new CompressedPageStore(new CompressedPageStoreOptions { Codec = PageCodecs.Brotli });
        byte[] page = new byte[store.PageBytes];
        for (ulong key = 0; key < 200; key++)
        {
            page.AsSpan().Fill((byte)key);
            page[key] = 0xFF;
            store.Store(key, page);
        }

        store.Remove(3);
        bool right = !store.TryLoad(3, page) && store.TryLoad(150, page) && page[150] == 0xFF && page[0] == 150;
        store.Compact();
        return right && store.TryLoad(199, page) && page[199] == 0xFF;
    }

    private static bool Ring()
    {
        if (!OperatingSystem.IsLinux())
        {
            return true;
        }

        using var ring = new MirroredRingBuffer(64 << 10);
        for (int i = 0; i < 100; i++)
        {
            ring.GetWriteSpan()[..50_000].Fill((byte)i);
            ring.Advance(50_000);
            if (ring.GetReadSpan().IndexOfAnyExcept((byte)i) >= 0)
            {
                return false;
            }

            ring.Consume(50_000);
        }

        return true;
    }

    private static bool End()
    {
        var runtime = new MemoryRuntime(new MemoryRuntimeOptions { CapacityBytes = 64 << 20 });
        runtime.Heap.Alloc(100);
        runtime.Trim();
        runtime.Dispose();
        try
        {
            runtime.Trim();
            return false;
        }
        catch (ObjectDisposedException)
        {
            return true;
        }
    }
}
