using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeMm.Diagnostics;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Slabs;

namespace NativeMm.Buffers;

/// <summary>
/// Rent and return of spans, segments and memories out of pinned managed slabs of 2 MiB. The memory can be handed to what needs an array, sockets and streams
/// for example, and that of idle buffers goes back to the operating system by itself, without a garbage collection. Thread-safe.
/// </summary>
/// <remarks>
/// Buffers hold anything when they are rented. They are larger than asked for: a power of two. A forgotten buffer is lost to the pool until the pool goes;
/// the checked mode names who rented it.
/// </remarks>
public sealed class NativeBufferPool : IDisposable
{
    private static NativeBufferPool? s_shared;

    private readonly SlabStore _store;
    private readonly SlabMemoryPool _memoryPool;
    private readonly bool _isShared;
    private readonly bool _allowsOwnBlocks;
    private int _disposed;

    /// <summary>Makes a pool of its own.</summary>
    /// <param name="options">Null for the defaults.</param>
    /// <param name="name">Its name in messages, listings and metrics.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    /// <exception cref="FormatException">An environment variable has a value that is not understood.</exception>
    public NativeBufferPool(BufferPoolOptions? options = null, string name = "buffers")
        : this(options ?? new BufferPoolOptions(), name, TimeProvider.System, SystemPlatform.Current, isShared: false)
    {
    }

    internal NativeBufferPool(BufferPoolOptions options, string name, TimeProvider time, IMemoryPlatform platform, bool isShared)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        options.Validate();
        _isShared = isShared;
        _store = new SlabStore(name, options, time, platform);
        _memoryPool = new SlabMemoryPool(_store, onDispose: null);
        _allowsOwnBlocks = options.BlockBytesMin == StreamBlocks.OwnBytes && !options.Checked;
    }

    /// <summary>The one of the process. Disposing it does nothing.</summary>
    public static NativeBufferPool Shared => Atomic.LoadAcquire(ref s_shared!) ?? MakeShared();

    /// <summary>The pool as a <see cref="MemoryPool{T}"/>, which ends with the pool. Disposing that does nothing.</summary>
    public MemoryPool<byte> MemoryPool => _memoryPool;

    /// <summary>The name in messages, listings and metrics.</summary>
    public string Name => _store.Name;

    /// <summary>The store.</summary>
    internal SlabStore Store => _store;

    /// <summary>
    /// Whether a stream may begin with a block of its own instead of one of the smallest here: it is as large, nobody watches over it, and a rent would not throw.
    /// </summary>
    internal bool AllowsOwnBlocks => _allowsOwnBlocks && Atomic.LoadAcquire(ref _disposed) == 0;

    /// <summary>Rents a buffer of at least so many bytes.</summary>
    /// <param name="minimumLength">0 to <see cref="Array.MaxLength"/>. Of 0 bytes the buffer is empty and need not be returned.</param>
    /// <returns>The buffer, in pinned memory: it never moves. Hand it, or any part from its first byte on, to <see cref="Return(Span{byte}, bool)"/>.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The length is negative or too large.</exception>
    /// <exception cref="ObjectDisposedException">The pool is disposed.</exception>
    /// <exception cref="OutOfMemoryException">There is no managed memory for another slab.</exception>
    public Span<byte> Rent(int minimumLength) => RentSegment(minimumLength).AsSpan();

    /// <summary>Rents a buffer as a part of an array, for what must live across an <c>await</c>.</summary>
    /// <inheritdoc cref="Rent(int)"/>
    public ArraySegment<byte> RentSegment(int minimumLength)
    {
        Check(minimumLength);
        if (minimumLength == 0)
        {
            return ArraySegment<byte>.Empty;
        }

        if (minimumLength > SlabStore.BlockBytesMax)
        {
            // It is not pooled: nobody could find it by its address at its return.
            return new ArraySegment<byte>(GC.AllocateUninitializedArray<byte>(minimumLength, pinned: true));
        }

        IMemoryOwner<byte> owner = _store.RentOwner(minimumLength);
        (owner as CheckedSlabOwner)?.KnowByAddress();
        (owner as SlabBlock)?.KnowByAddress();
        MemoryMarshal.TryGetArray(owner.Memory, out ArraySegment<byte> segment);
        return segment;
    }

    /// <summary>Rents a buffer with an owner that returns it.</summary>
    /// <inheritdoc cref="Rent(int)"/>
    public IMemoryOwner<byte> RentMemory(int minimumLength)
    {
        Check(minimumLength);
        return _store.RentOwner(minimumLength);
    }

    /// <summary>Returns a buffer.</summary>
    /// <param name="buffer">What <see cref="Rent(int)"/> gave, or a part of it that begins with its first byte. An empty one is nobody's.</param>
    /// <param name="clearBuffer">Whether the whole buffer is cleared first.</param>
    /// <exception cref="MemoryFaultException">
    /// It does not begin where a buffer of this pool does, belongs to an owner of <see cref="RentMemory"/>, or was returned already. After a return too many of a buffer that is rented again the pool cannot
    /// tell the two apart; the checked mode keeps returned buffers back, and so finds most of them.
    /// </exception>
    public unsafe void Return(Span<byte> buffer, bool clearBuffer = false)
    {
        if (buffer.IsEmpty)
        {
            return;
        }

        nuint address = (nuint)Unsafe.AsPointer(ref MemoryMarshal.GetReference(buffer));
        if (_store.Map.Find(address, out Slab? inside) is not { } block)
        {
            if (inside is null && buffer.Length > SlabStore.BlockBytesMax)
            {
                return;
            }

            ThrowForeign(address, inside);
            return;
        }

        if (block.LastRent is { } rent)
        {
            // It paints the buffer, which is more than to clear it.
            rent.Dispose();
        }
        else if (!_store.ReturnByAddress(block, clearBuffer))
        {
            if (block.IsRented)
            {
                MemoryFault.Throw(
                    MemoryFaultKind.ForeignPointer,
                    address,
                    $"Wrong door: the buffer of {block.Memory.Length} bytes at 0x{address:x} of the pool '{Name}' belongs to an owner that RentMemory gave. "
                    + "Dispose that owner. If the buffer came from Rent or RentSegment, it was returned already, and is rented again.");
            }

            MemoryFault.Throw(
                MemoryFaultKind.DoubleFree,
                address,
                $"Double return: the buffer of {block.Memory.Length} bytes at 0x{address:x} of the pool '{Name}' was returned already. Two owners returned it, "
                + "or one returned it twice.");
        }
    }

    /// <inheritdoc cref="Return(Span{byte}, bool)"/>
    public void Return(ArraySegment<byte> buffer, bool clearBuffer = false) => Return(buffer.AsSpan(), clearBuffer);

    /// <summary>Gives the memory of all idle buffers back to the operating system at once, instead of after <see cref="BufferPoolOptions.IdleDelay"/>.</summary>
    /// <returns>Bytes given back.</returns>
    public long Trim() => _store.Trim();

    /// <summary>Counts everything. Exact at rest.</summary>
    /// <returns>The figures, a copy that does not change any more.</returns>
    public BufferPoolStatistics GetStatistics() => _store.GetStatistics();

    /// <summary>Ends renting and gives idle memory back. Buffers that are rented stay valid; their memory goes back after their return.</summary>
    public void Dispose()
    {
        if (!_isShared && Atomic.Exchange(ref _disposed, 1) == 0)
        {
            _memoryPool.End();
            _store.Dispose();
        }
    }

    private void Check(int minimumLength)
    {
        if ((uint)minimumLength > (uint)Array.MaxLength)
        {
            throw new ArgumentOutOfRangeException(nameof(minimumLength), minimumLength, $"A buffer has 0 to {Array.MaxLength} bytes, not {minimumLength}.");
        }

        ObjectDisposedException.ThrowIf(Atomic.LoadAcquire(ref _disposed) != 0, this);
    }

    [DoesNotReturn]
    private void ThrowForeign(nuint address, Slab? inside)
    {
        if (inside is not null)
        {
            nuint offset = (address - inside.Address) % (nuint)inside.BlockBytes;
            MemoryFault.ThrowNotBlockStart(address, address - offset, (nuint)inside.BlockBytes);
        }

        MemoryFault.ThrowForeignPointer(address, $"the pool '{Name}'");
    }

    // Made at first use and not by the type's initializer: an environment that is not understood must come as its own exception.
    private static NativeBufferPool MakeShared()
    {
        var made = new NativeBufferPool(new BufferPoolOptions(), "shared", TimeProvider.System, SystemPlatform.Current, isShared: true);
        if (!Atomic.CompareExchange(ref s_shared!, null!, made))
        {
            made._store.Dispose();
        }

        return s_shared!;
    }
}
