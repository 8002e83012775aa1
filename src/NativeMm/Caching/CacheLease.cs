using System.Buffers;
using NativeMm.AddressSpaces;
using NativeMm.Heap;

namespace NativeMm.Caching;

/// <summary>
/// The value of an entry, readable until <see cref="Dispose"/>, also if the entry is replaced, removed or evicted meanwhile. Nothing is copied unless the value is
/// kept compressed. Dispose it soon, exactly once, on the thread that got it, and do not copy it: what it holds cannot be used again until then.
/// </summary>
public unsafe ref struct CacheLease
{
    // Keeps a forgotten cache from ending before its lease.
    private readonly NativeCache? _owner;
    private readonly ulong _hazard;
    private ulong* _word;
    private NativeHeap? _heap;
    private byte* _value;

    /// <summary>A lease on a record of the cache.</summary>
    internal CacheLease(NativeCache owner, ulong* word, ReadOnlySpan<byte> value)
    {
        _owner = owner;
        _word = word;
        _hazard = *word;
        _value = (byte*)System.Runtime.CompilerServices.Unsafe.AsPointer(ref System.Runtime.InteropServices.MemoryMarshal.GetReference(value));
        Length = value.Length;
    }

    /// <summary>A lease on a copy, whose word names no record.</summary>
    internal CacheLease(NativeCache owner, ulong* word, NativeHeap heap, byte* block, int length)
    {
        _owner = owner;
        _word = word;
        _hazard = *word;
        _heap = heap;
        _value = block;
        Length = length;
    }

    /// <summary>Bytes of the value.</summary>
    public int Length { get; private set; }

    /// <summary>The value. Valid until <see cref="Dispose"/>.</summary>
    /// <exception cref="ObjectDisposedException">The lease was disposed, or is none.</exception>
    public readonly ReadOnlySpan<byte> Span
    {
        get
        {
            ThrowIfEnded();
            return new ReadOnlySpan<byte>(_value, Length);
        }
    }

    /// <summary>
    /// The value as a sequence, for readers that want one; takes a little managed memory. Valid until <see cref="Dispose"/>: what is kept of it longer must not be read.
    /// </summary>
    /// <returns>The bytes of the value in their order, in as many segments as it has pieces; empty for a value of 0 bytes.</returns>
    /// <exception cref="ObjectDisposedException">The lease was disposed, or is none.</exception>
    public readonly ReadOnlySequence<byte> AsSequence()
    {
        ThrowIfEnded();
        return Length == 0 ? ReadOnlySequence<byte>.Empty : new ReadOnlySequence<byte>(new LeasedMemory(_value, Length).Memory);
    }

    /// <summary>Copies the value.</summary>
    /// <param name="destination">At least <see cref="Length"/> bytes.</param>
    /// <exception cref="ArgumentException">The destination is too short.</exception>
    /// <exception cref="ObjectDisposedException">The lease was disposed, or is none.</exception>
    public readonly void CopyTo(Span<byte> destination) => Span.CopyTo(destination);

    /// <summary>Writes the value to a writer.</summary>
    /// <param name="destination">The writer. What it throws passes through.</param>
    /// <exception cref="ArgumentNullException">The writer is null.</exception>
    /// <exception cref="ObjectDisposedException">The lease was disposed, or is none.</exception>
    public readonly void CopyTo(IBufferWriter<byte> destination)
    {
        ArgumentNullException.ThrowIfNull(destination);
        destination.Write(Span);
    }

    /// <summary>Ends the lease. A second call does nothing.</summary>
    public void Dispose()
    {
        ulong* word = _word;
        NativeHeap? heap = _heap;
        byte* value = _value;
        _word = null;
        _heap = null;
        _value = null;
        Length = 0;
        LeaseWords.End(word, _hazard);
        heap?.FreeForgotten(value);
        GC.KeepAlive(_owner);
    }

    private readonly void ThrowIfEnded() => ObjectDisposedException.ThrowIf(_value == null, typeof(CacheLease));
}
