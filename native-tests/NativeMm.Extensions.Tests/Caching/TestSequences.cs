using System.Buffers;
using NativeMm.Tests.Support;

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
                return Sequences.Of(value.AsMemory(0, third), value.AsMemory(third, 0), value.AsMemory(third, third), value.AsMemory(2 * third));
            default:
                return new ReadOnlySequence<byte>(value);
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
