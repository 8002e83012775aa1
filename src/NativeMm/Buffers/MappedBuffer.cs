using System.Buffers;
using NativeMm.Primitives;
using NativeMm.Runtime;
using NativeMm.Vmap;

namespace NativeMm.Buffers;

/// <summary>
/// Bytes in whole pages over frames that may lie anywhere, so that several of them can be seen as one: <see cref="Concat"/> maps their frames
/// side by side, without a copy.
/// </summary>
/// <remarks>
/// The bytes may be used by any number of threads as those of an array. <see cref="Dispose()"/> may be called by any thread and more than once; it must
/// not run beside a use of the bytes. A view keeps the frames of its parts alive, whoever is disposed first.
/// </remarks>
public sealed unsafe class MappedBuffer : MemoryManager<byte>
{
    private readonly VmapAllocator _vmap;
    private readonly bool _isView;
    private readonly int _length;
    private nuint _address;

    /// <summary>Allocates a buffer.</summary>
    /// <param name="length">Bytes, 1 to 2,147,483,647, and at most those of the runtime's window. Parts of a <see cref="Concat"/> but the last need a multiple of 4096.</param>
    /// <param name="flags">Wishes.</param>
    /// <param name="runtime">Where the memory comes from; <see cref="MemoryRuntime.Shared"/> if null.</param>
    /// <exception cref="ArgumentOutOfRangeException">The length is 0 or negative, or longer than the window of the runtime.</exception>
    /// <exception cref="OutOfMemoryException">No frames, addresses or mappings are left.</exception>
    public MappedBuffer(int length, VmapFlags flags = VmapFlags.None, MemoryRuntime? runtime = null)
    {
        if (length < 1)
        {
            throw new ArgumentOutOfRangeException(
                nameof(length), length, $"A mapped buffer has 1 to {int.MaxValue} bytes, and at most those of the runtime's window, not {length}.");
        }

        _vmap = (runtime ?? MemoryRuntime.Shared).Vmap;
        _length = length;
        _address = (nuint)_vmap.Alloc((nuint)length, flags);
    }

    private MappedBuffer(VmapAllocator vmap, Pfn[] frames, int length)
    {
        _vmap = vmap;
        _isView = true;
        _length = length;
        _address = (nuint)vmap.Map(frames);
    }

#pragma warning disable CA2015 // A span outliving a forgotten buffer is the lesser evil beside native memory that never comes back.
    /// <summary>Gives the memory of a forgotten buffer back.</summary>
    ~MappedBuffer() => Dispose(false);
#pragma warning restore CA2015

    /// <summary>Bytes in the buffer; it stays readable after <see cref="Dispose()"/>.</summary>
    public int Length => _length;

    /// <summary>Whether the buffer shows the frames of others.</summary>
    public bool IsView => _isView;

    /// <summary>The first byte, at a multiple of 4096. Valid until <see cref="Dispose()"/>; the buffer stays the owner.</summary>
    /// <exception cref="ObjectDisposedException">The buffer is disposed.</exception>
    public byte* Pointer => (byte*)Address();

    /// <summary>All bytes.</summary>
    /// <exception cref="ObjectDisposedException">The buffer is disposed.</exception>
    public Span<byte> Span => GetSpan();

    /// <summary>
    /// A view of several buffers as one, in their order, without a copy: what is written through the view is in the parts, and the other way round.
    /// The same buffer may be in it more than once.
    /// </summary>
    /// <param name="parts">One or more, of one runtime; the length of all but the last is a multiple of 4096.</param>
    /// <returns>The view, which is the caller's to dispose; the parts may be disposed before it.</returns>
    /// <exception cref="ArgumentNullException">A part is null.</exception>
    /// <exception cref="ArgumentException">There are no parts, they are of different runtimes, or one but the last ends within a page.</exception>
    /// <exception cref="ArgumentOutOfRangeException">Together they are longer than <see cref="int.MaxValue"/>.</exception>
    /// <exception cref="ObjectDisposedException">A part is disposed.</exception>
    /// <exception cref="OutOfMemoryException">No addresses or mappings are left.</exception>
    /// <exception cref="PlatformNotSupportedException">The system cannot map a frame twice.</exception>
    public static MappedBuffer Concat(params ReadOnlySpan<MappedBuffer> parts)
    {
        if (parts.IsEmpty)
        {
            throw new ArgumentException("A view has one part or more.", nameof(parts));
        }

        // Before anything is looked up: of many long parts there are more frames than a list can have.
        long length = 0;
        for (int i = 0; i < parts.Length; i++)
        {
            RequireFitting(parts, i);
            length += parts[i]._length;
        }

        if (length > int.MaxValue)
        {
            throw new ArgumentOutOfRangeException(nameof(parts), length, $"A view has 1 to {int.MaxValue} bytes, and the parts have {length} together.");
        }

        var frames = new List<Pfn>((int)((length + Pfn.FrameBytes - 1) / Pfn.FrameBytes));
        foreach (MappedBuffer part in parts)
        {
            for (nuint offset = 0; offset < (nuint)part._length; offset += Pfn.FrameBytes)
            {
                frames.Add(part._vmap.FrameOf((void*)(part.Address() + offset)));
            }
        }

        var view = new MappedBuffer(parts[0]._vmap, [.. frames], (int)length);
        foreach (MappedBuffer part in parts)
        {
            // The frames are referenced by the view now; before that, no finalizer may take a part.
            GC.KeepAlive(part);
        }

        return view;
    }

    /// <inheritdoc/>
    public override Span<byte> GetSpan() => new((void*)Address(), _length);

    /// <summary>Gives the address of a byte, and keeps the buffer from being finalized while the handle is held. Costs nothing else.</summary>
    /// <remarks>The handle does not hold the memory: with Dispose it goes, whether a handle is open or not.</remarks>
    /// <param name="elementIndex">0 to <see cref="Length"/>.</param>
    /// <returns>A handle with the address, to be disposed by whoever asked for it.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The index is outside.</exception>
    /// <exception cref="ObjectDisposedException">The buffer is disposed.</exception>
    public override MemoryHandle Pin(int elementIndex = 0)
    {
        byte* first = Pointer;
        return (uint)elementIndex <= (uint)_length
            ? new MemoryHandle(first + elementIndex, default, this)
            : throw new ArgumentOutOfRangeException(nameof(elementIndex), elementIndex, $"The buffer has {_length} bytes.");
    }

    /// <summary>Nothing to do: the memory never moves.</summary>
    public override void Unpin()
    {
    }

    /// <summary>Gives the memory back. A second call does nothing.</summary>
    public void Dispose() => ((IDisposable)this).Dispose();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        nuint address = Atomic.Exchange(ref _address, 0);
        if (address != 0)
        {
            MappedRange.Release(_vmap, address, _isView, [], disposing ? 0 : (nuint)_length);
        }
    }

    private static void RequireFitting(ReadOnlySpan<MappedBuffer> parts, int index)
    {
        MappedBuffer part = parts[index] ?? throw new ArgumentNullException(nameof(parts), $"Part {index} is null.");
        if (part._vmap != parts[0]._vmap)
        {
            throw new ArgumentException($"Part {index} belongs to another runtime than part 0; one view has parts of one runtime.", nameof(parts));
        }

        if (index < parts.Length - 1 && part._length % (int)Pfn.FrameBytes != 0)
        {
            throw new ArgumentException(
                $"Part {index} has {part._length} bytes; all but the last need a multiple of {Pfn.FrameBytes}, because a view is made of whole pages.",
                nameof(parts));
        }
    }

    private nuint Address()
    {
        nuint address = Atomic.LoadAcquire(ref _address);
        return address != 0 ? address : throw new ObjectDisposedException(nameof(MappedBuffer));
    }
}
