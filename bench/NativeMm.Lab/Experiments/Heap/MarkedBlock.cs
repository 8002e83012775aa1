using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Runtime.CompilerServices;
using NativeMm.Lab.Peers;

namespace NativeMm.Lab.Experiments.Heap;

/// <summary>
/// A block with a mark at both ends that no other block has. Whoever frees it reads the marks first: an allocator that serves memory twice, loses a
/// store between threads or writes into a live block fails the measurement instead of winning it.
/// </summary>
internal readonly struct MarkedBlock<TAllocator, THandle>
    where TAllocator : struct, IAllocatorUnderTest<THandle>
    where THandle : struct, IBlockHandle
{
    /// <summary>Bytes of the smallest block: the marks of both ends must not overlap.</summary>
    public const int BytesMin = 2 * MarkBytes;

    private const int MarkBytes = sizeof(ulong);

    private readonly THandle _block;
    private readonly ulong _mark;
    private readonly uint _bytes;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private MarkedBlock(THandle block, uint bytes, ulong mark)
    {
        _block = block;
        _bytes = bytes;
        _mark = mark;
    }

    /// <summary>Whether there is a block.</summary>
    public bool Exists => _bytes != 0;

    /// <summary>Allocates a block and marks it.</summary>
    /// <param name="bytes">At least <see cref="BytesMin"/>.</param>
    /// <param name="mark">What no other block is marked with.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static MarkedBlock<TAllocator, THandle> Alloc(int bytes, ulong mark)
    {
        THandle block = TAllocator.Alloc((nuint)bytes);
        block.Write(0, mark);
        block.Write((nuint)bytes - MarkBytes, mark);
        return new MarkedBlock<TAllocator, THandle>(block, (uint)bytes, mark);
    }

    /// <summary>Writes a byte after every so many, without touching the marks.</summary>
    public void TouchEvery(int stride)
    {
        for (nuint offset = (nuint)stride; offset < _bytes - MarkBytes; offset += (nuint)stride)
        {
            _block.Touch(offset);
        }
    }

    /// <summary>Reads the marks and frees the block.</summary>
    /// <exception cref="InvalidDataException">A mark is not what it was.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Free()
    {
        if (_block.Read(0) != _mark || _block.Read((nuint)_bytes - MarkBytes) != _mark)
        {
            Complain();
        }

        TAllocator.Free(_block);
    }

    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Complain() => throw new InvalidDataException(string.Create(
        CultureInfo.InvariantCulture,
        $"A block of {_bytes} bytes changed while it was live: it was marked {_mark:x} and reads {_block.Read(0):x} and {_block.Read((nuint)_bytes - MarkBytes):x}."));
}
