using System.Buffers;
using NativeMm.Buffers;
using NativeMm.Heap;

namespace NativeMm.Tests.Model.Buffers;

/// <summary>The framework's writer of arrays or ours, behind the members that both have.</summary>
internal sealed record DropInWriter(
    IBufferWriter<int> Writer,
    Func<(int Written, int Capacity, int Free)> Counts,
    Func<int[]> WrittenSpan,
    Func<ReadOnlyMemory<int>> WrittenMemory,
    Action Clear,
    Action Reset) : IDisposable
{
    public static DropInWriter OfFramework(int? initialCapacity)
    {
        ArrayBufferWriter<int> writer = initialCapacity is { } capacity ? new(capacity) : new();
        return new DropInWriter(
            writer,
            () => (writer.WrittenCount, writer.Capacity, writer.FreeCapacity),
            () => writer.WrittenSpan.ToArray(),
            () => writer.WrittenMemory,
            writer.Clear,
            writer.ResetWrittenCount);
    }

    public static DropInWriter OfOurs(int? initialCapacity, NativeHeap heap)
    {
        NativeBufferWriter<int> writer = initialCapacity is { } capacity ? new(capacity, heap) : new(heap);
        return new DropInWriter(
            writer,
            () => (writer.WrittenCount, writer.Capacity, writer.FreeCapacity),
            () => writer.WrittenSpan.ToArray(),
            () => writer.WrittenMemory,
            writer.Clear,
            writer.ResetWrittenCount);
    }

    public void Dispose() => (Writer as IDisposable)?.Dispose();
}
