using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
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
/// <para>It behaves as <see cref="MemoryPool{T}.Shared"/> does: disposing an owner again does nothing, and its
/// <see cref="IMemoryOwner{T}.Memory"/> throws <see cref="ObjectDisposedException"/>. A <see cref="Memory{T}"/> that was taken before the disposal
/// throws too. In checked mode (of the heap or the process) a second disposal is a <see cref="NativeMm.Diagnostics.MemoryFaultException"/>. docs/buffers.md lists what differs from the framework's pool.</para>
/// </remarks>
public sealed unsafe class NativeMemoryPool : MemoryPool<byte>
{
    private const int DefaultBytes = 4096;

    private static NativeMemoryPool? s_default;

    private readonly NativeHeap _heap;
    private readonly OwnerReuse _reuse;
    private readonly OwnerPool? _owners;
    private readonly RentStands _stands;

    // Whether a block is exactly as large as its class says.
    private readonly bool _isPlain;

    // Of single rents in checked mode, how many have no stacks for one that has; 0 for none at all.
    private readonly int _stackSampleInterval;
    private long _tracedRents;
    private long _forgotten;
    private int _disposed;

    /// <summary>Makes a pool over a heap that behaves as the framework's. A warm rent allocates one small managed object, as there.</summary>
    /// <param name="heap">Where the memory comes from. The pool does not own it.</param>
    /// <exception cref="FormatException">The environment's switch of the checked mode is not understood.</exception>
    public NativeMemoryPool(NativeHeap heap)
        : this(heap, IsCheckedWith(heap) ? OwnerReuse.Never : OwnerReuse.Leased)
    {
    }

    /// <summary>Makes a pool over a heap, with a say in what a rent costs.</summary>
    /// <param name="heap">Where the memory comes from. The pool does not own it.</param>
    /// <param name="recycleOwners">
    /// True: a warm rent allocates no managed memory, because the owner objects themselves are used again after a rest. Such an owner must be
    /// disposed exactly once: every disposal too many throws <see cref="NativeMm.Diagnostics.MemoryFaultException"/>, and a late use of a memory throws for
    /// at least 32 more returns of its thread. False: as <see cref="NativeMemoryPool(NativeHeap)"/>.
    /// </param>
    /// <exception cref="FormatException">The environment's switch of the checked mode is not understood.</exception>
    public NativeMemoryPool(NativeHeap heap, bool recycleOwners)
        : this(heap, recycleOwners ? OwnerReuse.Bare : IsCheckedWith(heap) ? OwnerReuse.Never : OwnerReuse.Leased)
    {
    }

    private NativeMemoryPool(NativeHeap heap, OwnerReuse reuse)
    {
        ArgumentNullException.ThrowIfNull(heap);
        _heap = heap;
        _reuse = reuse;
        bool isChecked = IsCheckedWith(heap);
        RefusesExtraDisposals = reuse == OwnerReuse.Bare || isChecked;
        _stackSampleInterval = isChecked && reuse == OwnerReuse.Never ? StackSampleInterval(heap) : 0;
        _stands = new RentStands(this, withOwners: reuse == OwnerReuse.Bare);
        _owners = reuse == OwnerReuse.Bare ? new OwnerPool(this) : null;
        _isPlain = !heap.IsChecked && !heap.IsSampled;
    }

    /// <summary>The process-wide pool, over <see cref="NativeHeap.Shared"/>. Disposing it does nothing.</summary>
    public static NativeMemoryPool Default => Atomic.LoadAcquire(ref s_default) ?? MakeDefault();

    /// <inheritdoc/>
    public override int MaxBufferSize => Array.MaxLength;

    /// <summary>What is rented now and was rented ever.</summary>
    public NativeMemoryPoolStatistics Statistics
    {
        get
        {
            (long rents, long returns, long bytes) = _stands.Sum();
            return new NativeMemoryPoolStatistics(rents - returns, bytes, rents, Atomic.LoadAcquire(ref _forgotten));
        }
    }

    /// <summary>Whether a disposal too many is a mistake to be told of; if not, it does nothing.</summary>
    internal bool RefusesExtraDisposals { get; }

    /// <summary>Whether what <see cref="Rent"/> gives is used again.</summary>
    internal bool RecyclesOwners => _reuse != OwnerReuse.Never;

    /// <summary>Rents a buffer. Its bytes hold anything.</summary>
    /// <param name="minBufferSize">Bytes, 0 to <see cref="MaxBufferSize"/>, or −1 for 4096. The buffer is as large as the heap's block, never smaller than this;
    /// in checked mode it is exactly this. A buffer of 0 bytes is empty.</param>
    /// <returns>The rent, to be disposed once; its memory may be longer than was asked for, and is empty for 0.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The size is less than −1, or more than <see cref="MaxBufferSize"/>.</exception>
    /// <exception cref="ObjectDisposedException">The pool is disposed.</exception>
    /// <exception cref="OutOfMemoryException">The heap cannot have so much.</exception>
    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        if ((uint)minBufferSize > (uint)Array.MaxLength)
        {
            minBufferSize = minBufferSize == -1 ? DefaultBytes : ThrowSize(minBufferSize);
        }

        if (Atomic.LoadAcquire(ref _disposed) != 0)
        {
            ThrowDisposed();
        }

        // The objects come first: if the heap then throws, idle ones are dropped, which nobody misses; a block would be lost.
        RentStand? stand = _stands.CurrentOrNew();
        if (_reuse == OwnerReuse.Leased)
        {
            var lease = new PooledLease();
            RentGuard guard = stand?.TryTake() ?? _stands.TakeCommon(stand);
            void* block = Take(minBufferSize, out int length);
            Count(stand, length);
            return lease.Begin(guard, guard.Begin((nuint)block, length));
        }
        else
        {
            PooledBuffer owner = _owners is { } owners ? stand?.Owners?.TryTake() ?? owners.Get() : NewOwner();
            void* block = Take(minBufferSize, out int length);
            Count(stand, length);
            owner.Issue((nuint)block, length);
            return owner;
        }
    }

    /// <summary>Ends a rent that its ticket has ended already.</summary>
    internal void TakeBack(RentGuard guard, nuint address, int length)
    {
        if (_stands.Current is { } stand)
        {
            stand.Returned(length);
            if (!stand.TryPut(guard))
            {
                _stands.PutCommon(stand, guard);
            }
        }
        else
        {
            _stands.Returned(length);
            _stands.PutCommon(null, guard);
        }

        HeapBlock.Free(_heap, address);
    }

    /// <inheritdoc cref="TakeBack(RentGuard, nuint, int)"/>
    internal void TakeBack(PooledBuffer owner, nuint address, int length)
    {
        RentStand? stand = CountReturn(length);
        if (_owners is not { } owners || Atomic.LoadAcquire(ref _disposed) != 0)
        {
            owner.Retire();
        }
        else if (stand?.Owners is not { } ring || !ring.TryPut(owner))
        {
            owners.Return(owner);
        }

        HeapBlock.Free(_heap, address);
    }

    /// <summary>Ends a rent that nobody disposed; called by the finalizer.</summary>
    internal void TakeBackForgotten(nuint address, int length)
    {
        CountReturn(length);
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

    /// <summary>A block, and how many bytes of it the renter may use: all that there are, but none of an empty buffer.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void* Take(int asked, out int length)
    {
        if (_isPlain && (uint)asked <= (uint)SizeClass.BytesMax)
        {
            void* block = _heap.AllocHere((nuint)asked);
            length = asked == 0 ? 0 : (int)SizeClass.BlockBytesFor((nuint)asked);
            return block;
        }

        return TakeOther(asked, out length);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void* TakeOther(int asked, out int length)
    {
        nuint usable;
        void* block;
        if (_isPlain)
        {
            block = _heap.AllocLarge((nuint)asked, out usable);
        }
        else
        {
            block = _heap.AllocHere((nuint)asked);
            usable = _heap.UsableSize(block);
        }

        length = asked == 0 ? 0 : (int)nuint.Min(usable, (nuint)Array.MaxLength);
        return block;
    }

    private void Count(RentStand? stand, int length)
    {
        if (stand is not null)
        {
            stand.Rented(length);
        }
        else
        {
            _stands.Rented(length);
        }
    }

    private RentStand? CountReturn(int length)
    {
        RentStand? stand = _stands.Current;
        if (stand is not null)
        {
            stand.Returned(length);
        }
        else
        {
            _stands.Returned(length);
        }

        return stand;
    }

    private static bool IsCheckedWith(NativeHeap heap)
    {
        ArgumentNullException.ThrowIfNull(heap);
        return CheckedOptions.OfProcess.Enabled || heap.IsChecked;
    }

    /// <summary>The interval of the heap's own checked mode; of a heap that is not in it, that of the process.</summary>
    private static int StackSampleInterval(NativeHeap heap) => heap.IsChecked ? heap.StackSampleInterval : CheckedOptions.OfProcess.StackSampleInterval;

    private PooledBuffer NewOwner()
    {
        var owner = new PooledBuffer(this);
        if (_stackSampleInterval != 0 && (Atomic.Add(ref _tracedRents, 1) - 1) % _stackSampleInterval == 0)
        {
            owner.Trace();
        }

        return owner;
    }

    // Made at first use and not by the type's initializer: an environment that is not understood must come as its own exception. And not kept over a heap that
    // could not be made, because the next use may make one.
    private static NativeMemoryPool MakeDefault()
    {
        NativeHeap heap = NativeHeap.Shared;
        heap.ThrowIfDisposed();
        Atomic.CompareExchange(ref s_default, null, new NativeMemoryPool(heap));
        return s_default!;
    }

    [DoesNotReturn]
    private static int ThrowSize(int minBufferSize) => throw new ArgumentOutOfRangeException(
        nameof(minBufferSize), minBufferSize, $"A buffer has 0 to {Array.MaxLength} bytes; -1 asks for {DefaultBytes}.");

    [DoesNotReturn]
    private static void ThrowDisposed() => throw new ObjectDisposedException(nameof(NativeMemoryPool), "The pool of native memory is disposed.");
}
