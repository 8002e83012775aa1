using System.Buffers;
using System.Runtime.InteropServices;

namespace NativeMm.Buffers;

/// <summary>One block of a stream.</summary>
internal readonly struct StreamBlock
{
    /// <summary>Makes a block.</summary>
    /// <param name="owner">Who returns it.</param>
    /// <param name="start">Position of its first byte in the stream.</param>
    public StreamBlock(IMemoryOwner<byte> owner, long start)
    {
        Owner = owner;
        Memory = owner.Memory;
        Start = start;
        MemoryMarshal.TryGetArray(Memory, out ArraySegment<byte> segment);
        Array = segment.Array!;
        Offset = segment.Offset;
    }

    /// <summary>Makes a block of an array that nobody has to return.</summary>
    /// <param name="array">All of it.</param>
    public StreamBlock(byte[] array)
    {
        Memory = array;
        Array = array;
    }

    /// <summary>Who returns it; null for an array that nobody has to return.</summary>
    public IMemoryOwner<byte>? Owner { get; }

    /// <summary>All of it.</summary>
    public Memory<byte> Memory { get; }

    /// <summary>The array that it lies in.</summary>
    public byte[] Array { get; }

    /// <summary>Where in the array it begins.</summary>
    public int Offset { get; }

    /// <summary>Position of its first byte in the stream.</summary>
    public long Start { get; }

    /// <summary>Position behind its last byte.</summary>
    public long End => Start + Memory.Length;

    /// <summary>All of it.</summary>
    public Span<byte> Span => Array.AsSpan(Offset, Memory.Length);
}
