using System.Diagnostics.CodeAnalysis;
using NativeMm.Primitives;
using NativeMm.Runtime;
using NativeMm.Vmap;

namespace NativeMm.Buffers;

/// <summary>
/// A ring of bytes that is mapped twice in a row, so that whatever lies in it, and whatever room is left, is one span, also where it wraps.
/// </summary>
/// <remarks>
/// One thread may write while another reads: writers use <see cref="GetWriteSpan"/> and <see cref="Advance"/>, readers <see cref="GetReadSpan"/> and
/// <see cref="Consume"/>. More than one of either need a lock of their own. Not to be disposed while anybody uses it or a span of it.
/// </remarks>
public sealed unsafe class MirroredRingBuffer : IDisposable
{
    private readonly VmapAllocator _vmap;
    private readonly Pfn[] _frames;
    private readonly ulong _capacity;
    private nuint _address;

    // Owner: the writer. Bytes ever written; release after the bytes are there, acquire by the reader.
    private PaddedWord _written;

    // Owner: the reader. Bytes ever consumed; release after the reader is done with them, acquire by the writer.
    private PaddedWord _consumed;

    /// <summary>Makes an empty ring.</summary>
    /// <param name="capacity">Bytes that it must hold, 1 to 2³⁰; rounded up to whole pages of 4 KiB.</param>
    /// <param name="runtime">Where the memory comes from; <see cref="MemoryRuntime.Shared"/> if null.</param>
    /// <exception cref="ArgumentOutOfRangeException">The capacity is out of its range.</exception>
    /// <exception cref="OutOfMemoryException">No frames, addresses or mappings are left.</exception>
    /// <exception cref="PlatformNotSupportedException">The system cannot map a frame twice.</exception>
    public MirroredRingBuffer(int capacity, MemoryRuntime? runtime = null)
    {
        const int CapacityMax = 1 << 30;
        if (capacity is < 1 or > CapacityMax)
        {
            throw new ArgumentOutOfRangeException(nameof(capacity), capacity, $"A ring holds 1 to {CapacityMax} bytes, not {capacity}.");
        }

        _vmap = (runtime ?? MemoryRuntime.Shared).Vmap;
        if (!_vmap.CanMap)
        {
            throw new PlatformNotSupportedException("A mirrored ring needs a system that can map a frame twice: Linux with pages of 4 KiB.");
        }

        _frames = new Pfn[(capacity + (int)Pfn.FrameBytes - 1) / (int)Pfn.FrameBytes];
        _capacity = (ulong)_frames.Length * Pfn.FrameBytes;
        _vmap.AllocateFrames(_frames);
        try
        {
            _address = (nuint)_vmap.Map([.. _frames, .. _frames]);
        }
        catch
        {
            _vmap.FreeFrames(_frames);
            throw;
        }
    }

    /// <summary>Gives the memory of a forgotten ring back.</summary>
    ~MirroredRingBuffer() => Release(forgotten: true);

    /// <summary>Bytes that the ring holds.</summary>
    public int Capacity => (int)_capacity;

    /// <summary>
    /// Bytes that can be read, 0 to <see cref="Capacity"/>. Exact for the reader, until the writer goes on; for the writer, and for any other thread, at most
    /// that many.
    /// </summary>
    public int ReadableBytes
    {
        get
        {
            // Consumed first: what was consumed was written before, so that the difference is never negative. It may span more than the ring when both
            // went on in between.
            ulong consumed = Atomic.LoadAcquire(ref _consumed.Value);
            return (int)ulong.Min(Atomic.LoadAcquire(ref _written.Value) - consumed, _capacity);
        }
    }

    /// <summary>Bytes that can be written, 0 to <see cref="Capacity"/>. For the writer at least that many, until he goes on.</summary>
    public int WritableBytes => Capacity - ReadableBytes;

    /// <summary>All bytes that can be read, in one piece. Valid until they are consumed.</summary>
    /// <returns><see cref="ReadableBytes"/> bytes or more; empty when nothing was written since. For the reader.</returns>
    /// <exception cref="ObjectDisposedException">The ring is disposed.</exception>
    public ReadOnlySpan<byte> GetReadSpan()
    {
        ulong consumed = _consumed.Value;
        int length = (int)(Atomic.LoadAcquire(ref _written.Value) - consumed);
        return new ReadOnlySpan<byte>((void*)(Address() + (nuint)(consumed % _capacity)), length);
    }

    /// <summary>All room that can be written to, in one piece. Valid until <see cref="Advance"/>.</summary>
    /// <returns><see cref="WritableBytes"/> bytes or more; empty when the ring is full. For the writer.</returns>
    /// <exception cref="ObjectDisposedException">The ring is disposed.</exception>
    public Span<byte> GetWriteSpan()
    {
        ulong written = _written.Value;
        int length = (int)(_capacity - (written - Atomic.LoadAcquire(ref _consumed.Value)));
        return new Span<byte>((void*)(Address() + (nuint)(written % _capacity)), length);
    }

    /// <summary>Makes bytes of the write span readable.</summary>
    /// <param name="count">0 to <see cref="WritableBytes"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is not so much room.</exception>
    public void Advance(int count)
    {
        if ((uint)count > (uint)WritableBytes)
        {
            ThrowTooMany(count, WritableBytes);
        }

        Atomic.StoreRelease(ref _written.Value, _written.Value + (ulong)count);
    }

    /// <summary>Gives read bytes up.</summary>
    /// <param name="count">0 to <see cref="ReadableBytes"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">There are not so many.</exception>
    public void Consume(int count)
    {
        if ((uint)count > (uint)ReadableBytes)
        {
            ThrowTooMany(count, ReadableBytes);
        }

        Atomic.StoreRelease(ref _consumed.Value, _consumed.Value + (ulong)count);
    }

    /// <summary>Gives the memory back. A second call does nothing.</summary>
    public void Dispose()
    {
        Release(forgotten: false);
        GC.SuppressFinalize(this);
    }

    [DoesNotReturn]
    private static void ThrowTooMany(int count, int max) =>
        throw new ArgumentOutOfRangeException(nameof(count), count, $"At this moment count is 0 to {max}, not {count}.");

    private void Release(bool forgotten)
    {
        nuint address = Atomic.Exchange(ref _address, 0);
        if (address != 0)
        {
            MappedRange.Release(_vmap, address, isMap: true, _frames, forgotten ? (nuint)_capacity : 0);
        }
    }

    private nuint Address()
    {
        nuint address = Atomic.LoadAcquire(ref _address);
        return address != 0 ? address : throw new ObjectDisposedException(nameof(MirroredRingBuffer));
    }
}
