using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using NativeMm.Heap;
using NativeMm.Heap.Checked;
using NativeMm.Primitives;

namespace NativeMm.Buffers;

/// <summary>
/// A pool of byte buffers outside of the garbage collector's heap. Thread-safe. It keeps no memory itself: a returned buffer goes to the heap, which
/// reuses it at once and gives it back to the operating system when it stays idle.
/// </summary>
/// <remarks>
/// <para>Not to be confused with <see cref="MemoryPool{T}.Shared"/>, which can be reached through this type's name too and rents managed
/// arrays; the process-wide pool of native memory is <see cref="Default"/>.</para>
/// <para>A rented buffer must be disposed exactly once. Every disposal too many throws <see cref="NativeMm.Diagnostics.MemoryFaultException"/>;
/// a use of its <see cref="Memory{T}"/> after the disposal throws <see cref="ObjectDisposedException"/> while the owner object rests, which it
/// does for at least 32 more returns on its core. With <c>recycleOwners: false</c>, the default in checked mode, it throws forever.</para>
/// </remarks>
public sealed unsafe class NativeMemoryPool : MemoryPool<byte>
{
    private const int DefaultBytes = 4096;

    private static NativeMemoryPool? s_default;

    private readonly NativeHeap _heap;
    private readonly OwnerPool? _owners;
    private readonly PoolCounters _counters = new();
    private long _forgotten;
    private int _disposed;

    /// <summary>Makes a pool over a heap; owner objects are used again unless the environment switches the checked mode on.</summary>
    /// <param name="heap">Where the memory comes from. The pool does not own it.</param>
    /// <exception cref="FormatException">The environment's switch of the checked mode is not understood.</exception>
    public NativeMemoryPool(NativeHeap heap)
        : this(heap, recycleOwners: !CheckedOptions.OfProcess.Enabled)
    {
    }

    /// <summary>Makes a pool over a heap.</summary>
    /// <param name="heap">Where the memory comes from. The pool does not own it.</param>
    /// <param name="recycleOwners">
    /// True: a warm rent allocates no managed memory, because the owner objects are used again after a rest. False: every rent has an object of
    /// its own, so that any late use and any second disposal is found, however late.
    /// </param>
    public NativeMemoryPool(NativeHeap heap, bool recycleOwners)
    {
        ArgumentNullException.ThrowIfNull(heap);
        _heap = heap;
        _owners = recycleOwners ? new OwnerPool(this) : null;
    }

    /// <summary>The process-wide pool, over <see cref="NativeHeap.Shared"/>. Disposing it does nothing.</summary>
    public static NativeMemoryPool Default => Atomic.LoadAcquire(ref s_default) ?? MakeDefault();

    /// <inheritdoc/>
    public override int MaxBufferSize => int.MaxValue;

    /// <summary>What is rented now and was rented ever.</summary>
    public NativeMemoryPoolStatistics Statistics
    {
        get
        {
            (long rents, long returns, long bytes) = _counters.Sum();
            return new NativeMemoryPoolStatistics(rents - returns, bytes, rents, Atomic.LoadAcquire(ref _forgotten));
        }
    }

    /// <summary>Rents a buffer. Its bytes hold anything.</summary>
    /// <param name="minBufferSize">Bytes, 0 to <see cref="MaxBufferSize"/>, or −1 for 4096. The buffer is as large as the heap's block, never smaller than this.</param>
    /// <exception cref="ArgumentOutOfRangeException">The size is less than −1.</exception>
    /// <exception cref="ObjectDisposedException">The pool is disposed.</exception>
    /// <exception cref="OutOfMemoryException">The heap cannot have so much.</exception>
    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        if (minBufferSize < 0)
        {
            minBufferSize = minBufferSize == -1 ? DefaultBytes : ThrowSize(minBufferSize);
        }

        if (Atomic.LoadAcquire(ref _disposed) != 0)
        {
            ThrowDisposed();
        }

        // The owner comes first: if the heap then throws, an idle owner is dropped, which nobody misses; a block would be lost.
        PooledBuffer owner = _owners is { } owners ? owners.Get() : new PooledBuffer(this);
        void* block = _heap.Alloc((nuint)minBufferSize);
        int length = (int)Math.Min(_heap.UsableSize(block), int.MaxValue);
        owner.Issue((nuint)block, length);
        _counters.Rented(length);
        return owner;
    }

    /// <summary>Ends a rent that its ticket has ended already.</summary>
    internal void TakeBack(PooledBuffer owner, nuint address, int length)
    {
        _counters.Returned(length);
        if (_owners is { } owners && Atomic.LoadAcquire(ref _disposed) == 0)
        {
            owners.Return(owner);
        }
        else
        {
            owner.Retire();
        }

        HeapBlock.Free(_heap, address);
    }

    /// <summary>Ends a rent that nobody disposed; called by the finalizer.</summary>
    internal void TakeBackForgotten(nuint address, int length)
    {
        _counters.Returned(length);
        Atomic.Add(ref _forgotten, 1);
        HeapBlock.FreeForgotten(_heap, address, (nuint)length);
    }

    /// <summary>Ends renting. Buffers that are rented stay valid and go back to the heap at their disposal.</summary>
    protected override void Dispose(bool disposing)
    {
        if (!ReferenceEquals(this, s_default))
        {
            Atomic.StoreRelease(ref _disposed, 1);
        }
    }

    // Made at first use and not by the type's initializer: an environment that is not understood must come as its own exception.
    private static NativeMemoryPool MakeDefault()
    {
        Atomic.CompareExchange(ref s_default, null, new NativeMemoryPool(NativeHeap.Shared));
        return s_default!;
    }

    [DoesNotReturn]
    private static int ThrowSize(int minBufferSize) => throw new ArgumentOutOfRangeException(
        nameof(minBufferSize), minBufferSize, $"A buffer has 0 to {int.MaxValue} bytes; -1 asks for {DefaultBytes}.");

    [DoesNotReturn]
    private static void ThrowDisposed() => throw new ObjectDisposedException(nameof(NativeMemoryPool), "The pool of native memory is disposed.");
}
