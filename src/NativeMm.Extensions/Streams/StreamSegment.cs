using System.Buffers;

namespace NativeMm.Buffers;

/// <summary>A link of the sequence that a stream gives.</summary>
internal sealed class StreamSegment : ReadOnlySequenceSegment<byte>
{
    /// <summary>Makes the link behind another one, or the first.</summary>
    public StreamSegment(ReadOnlyMemory<byte> memory, StreamSegment? before)
    {
        Memory = memory;
        if (before is not null)
        {
            RunningIndex = before.RunningIndex + before.Memory.Length;
            before.Next = this;
        }
    }
}
