using System.Buffers;

namespace NativeMm.Extensions.Tests.Caching;

/// <summary>The same bytes in memory of every kind.</summary>
internal static class TestSequences
{
    public static ReadOnlySequence<byte> Of(byte[] value, BufferContractTests.Source source)
    {
        switch (source)
        {
            case BufferContractTests.Source.PaddedArray:
                byte[] padded = [9, 9, .. value, 9];
                return new ReadOnlySequence<byte>(padded, 2, value.Length);
            case BufferContractTests.Source.CustomMemory:
                return new ReadOnlySequence<byte>(new UnpinnableMemory(value).Memory);
            case BufferContractTests.Source.MultiSegment when value.Length > 1:
                int third = value.Length / 3;
                var first = new Segment(value.AsMemory(0, third), 0);
                Segment last = first.Append(value.AsMemory(third, 0)).Append(value.AsMemory(third, third)).Append(value.AsMemory(2 * third));
                return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
            default:
                return new ReadOnlySequence<byte>(value);
        }
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, long index) => (Memory, RunningIndex) = (memory, index);

        public Segment Append(ReadOnlyMemory<byte> memory)
        {
            var next = new Segment(memory, RunningIndex + Memory.Length);
            Next = next;
            return next;
        }
    }

    /// <summary>Memory of somebody who does not let it be pinned.</summary>
    private sealed class UnpinnableMemory(byte[] value) : MemoryManager<byte>
    {
        public override Span<byte> GetSpan() => value;

        public override MemoryHandle Pin(int elementIndex = 0) => throw new NotSupportedException("This memory cannot be pinned.");

        public override void Unpin()
        {
        }

        protected override void Dispose(bool disposing)
        {
        }
    }
}
