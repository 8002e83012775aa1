using System.Buffers;

namespace NativeMm.Extensions;

/// <summary>Pieces as one sequence.</summary>
internal sealed class CacheSegment : ReadOnlySequenceSegment<byte>
{
    private CacheSegment(ReadOnlyMemory<byte> memory, long before) => (Memory, RunningIndex) = (memory, before);

    /// <summary>Puts them one behind the other; nothing is copied.</summary>
    public static ReadOnlySequence<byte> Join(ReadOnlyMemory<byte> head, ReadOnlyMemory<byte> tail)
    {
        var last = new CacheSegment(tail, head.Length);
        var first = new CacheSegment(head, 0) { Next = last };
        return new ReadOnlySequence<byte>(first, 0, last, tail.Length);
    }

    /// <summary>Puts a head before a sequence; nothing is copied.</summary>
    public static ReadOnlySequence<byte> Join(ReadOnlyMemory<byte> head, in ReadOnlySequence<byte> tail)
    {
        var first = new CacheSegment(head, 0);
        CacheSegment last = first;
        foreach (ReadOnlyMemory<byte> piece in tail)
        {
            var next = new CacheSegment(piece, last.RunningIndex + last.Memory.Length);
            last.Next = next;
            last = next;
        }

        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }
}
