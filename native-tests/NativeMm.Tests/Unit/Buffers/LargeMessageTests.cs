using System.Buffers;
using System.Runtime.CompilerServices;
using NativeMm.Buffers;
using NativeMm.Heap;
using NativeMm.Runtime;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Buffers;

/// <summary>Messages of many megabytes, one after the other: the memory of one serves the next.</summary>
public sealed unsafe class LargeMessageTests
{
    private const int MiB = 1 << 20;

    [LinuxTheory]
    [InlineData(3 * MiB)]
    [InlineData(6 * MiB)]
    [InlineData(20 * MiB)]
    [InlineData(33 * MiB)]
    [InlineData((64 * MiB) + 1)]
    public void After_a_few_messages_nothing_is_asked_of_the_system(int bytes)
    {
        var platform = new FaultyPlatform();
        var foresight = new WriterForesight();
        using (MemoryRuntime runtime = NewRuntime(platform))
        {
            for (int message = 0; message < 4; message++)
            {
                Write(runtime.Heap, bytes, foresight);
            }

            long calls = Calls(platform);
            for (int message = 0; message < 3; message++)
            {
                Write(runtime.Heap, bytes, foresight);
            }

            Assert.Equal(calls, Calls(platform));
        }

        platform.AssertNothingLeaked();
    }

    [LinuxFact]
    public void The_memory_of_messages_goes_back_when_it_rested()
    {
        using MemoryRuntime runtime = NewRuntime(new FaultyPlatform());
        Write(runtime.Heap, 20 * MiB, new WriterForesight());
        Assert.InRange(runtime.Heap.GetStatistics().LargeRetainedBytes, 20u * MiB, 256u * MiB);
        runtime.Trim();
        Assert.Equal(0u, runtime.Heap.GetStatistics().LargeRetainedBytes);
    }

    /// <summary>The writer's block was somebody's before, and is cleared piece by piece.</summary>
    [LinuxFact]
    public void Unwritten_memory_reads_as_zero_in_large_rooms_too()
    {
        using MemoryRuntime runtime = NewRuntime(new FaultyPlatform());
        void* used = runtime.Heap.Alloc(8 * MiB);
        new Span<byte>(used, 8 * MiB).Fill(0xEE);
        runtime.Heap.Free(used);

        using var writer = new NativeBufferWriter<byte>(8 * MiB, runtime.Heap);
        Assert.Equal((nuint)used, (nuint)Unsafe.AsPointer(ref writer.GetSpan()[0]));
        for (int step = 0; writer.FreeCapacity > 0; step++)
        {
            int hint = (step % 4) switch { 0 => 0, 1 => 1, 2 => 300_000, _ => 77 };
            hint = Math.Min(hint, writer.FreeCapacity);
            Span<byte> room = step % 3 == 0 ? writer.GetMemory(hint).Span : writer.GetSpan(hint);
            Assert.True(room.Length >= Math.Min(Math.Max(hint, 16 << 10), writer.FreeCapacity), $"Step {step}: {room.Length} for {hint}.");
            Assert.True(room.IndexOfAnyExcept((byte)0) < 0, $"Step {step}.");
            room.Fill(0x11);

            // At times further than anybody looked.
            writer.Advance(step % 5 == 4 ? Math.Min(room.Length + 1000, writer.FreeCapacity) : room.Length);
        }

        Assert.True(writer.WrittenSpan.IndexOfAnyExcept((byte)0x11, (byte)0) < 0);
        Assert.Equal(8 * MiB, writer.WrittenCount);
    }

    private static MemoryRuntime NewRuntime(FaultyPlatform platform) =>
        new(new MemoryRuntimeOptions { CapacityBytes = 256 * MiB, BackgroundTrim = false }, platform, isShared: false);

    private static void Write(NativeHeap heap, int bytes, WriterForesight foresight)
    {
        using var writer = new NativeBufferWriter<byte>(heap, foresight);
        while (writer.WrittenCount < bytes)
        {
            int length = Math.Min(100_000, bytes - writer.WrittenCount);
            writer.GetSpan(length)[..length].Fill(7);
            writer.Advance(length);
        }

        Assert.True(writer.WrittenSpan.IndexOfAnyExcept((byte)7) < 0);
    }

    private static long Calls(FaultyPlatform platform) => Enum.GetValues<PlatformCall>().Sum(call => (long)platform.Calls(call));
}
