using System.Buffers;
using NativeMm.Diagnostics;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Slabs;

namespace NativeMm.Buffers;

/// <summary>
/// An <see cref="ArrayPool{T}"/> that gives idle memory back: where code says <c>ArrayPool&lt;byte&gt;.Shared</c>, say <c>NativeArrayPool.Shared</c>.
/// Thread-safe.
/// </summary>
/// <remarks>
/// Lengths and exceptions are those of the framework's shared pool: a power of two from 16 bytes to 1 GiB, larger ones not pooled. An array cannot be a piece of
/// a slab, so each is a slab of its own: from 16 KiB on it is pinned, and its whole pages go back to the operating system when it lay idle for
/// <see cref="BufferPoolOptions.IdleDelay"/>, without a garbage collection; shorter ones are left to the collector then.
/// </remarks>
public sealed class NativeArrayPool : ArrayPool<byte>, IIdlePass, ITrimmedPool, IDisposable
{
    private const int LengthMin = 16;
    private const int LengthMax = 1 << 30;
    private const int PassesPerDelay = 5;
    private const int DropDelays = 12;

    private static NativeArrayPool? s_shared;

    private readonly ArrayBucket[] _buckets;
    private readonly IMemoryPlatform? _platform;
    private readonly IdlePasses _passes;
    private readonly CheckedArrays? _checked;
    private readonly bool _isShared;
    private SleepLock _passLock;
    private int _pass;
    private int _disposed;
    private long _allocatedBytes;
    private long _evictedBytes;

    /// <summary>Makes a pool of its own.</summary>
    /// <param name="options">Null for the defaults. <see cref="BufferPoolOptions.BlockBytesMin"/> has no effect: arrays begin at 16 bytes.</param>
    /// <param name="name">Its name in messages, listings and metrics.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    /// <exception cref="FormatException">An environment variable has a value that is not understood.</exception>
    public NativeArrayPool(BufferPoolOptions? options = null, string name = "arrays")
        : this(options ?? new BufferPoolOptions(), name, TimeProvider.System, SystemPlatform.Current, isShared: false)
    {
    }

    internal NativeArrayPool(BufferPoolOptions options, string name, TimeProvider time, IMemoryPlatform platform, bool isShared)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        options.Validate();
        Name = name;
        _isShared = isShared;
        _platform = platform.Capabilities.HasFlag(PlatformCapabilities.Discard) ? platform : null;
        _buckets = new ArrayBucket[int.Log2(LengthMax / LengthMin) + 1];
        for (int i = 0; i < _buckets.Length; i++)
        {
            _buckets[i] = new ArrayBucket(LengthMin << i);
        }

        _checked = options.Checked ? new CheckedArrays(name, options.StackSampleInterval) : null;
        _passes = new IdlePasses(this, options.IdleDelay / PassesPerDelay, time, $"the array pool {name}");
        SlabStores.Add(this);
    }

    /// <summary>The one of the process. Disposing it does nothing.</summary>
    public static new NativeArrayPool Shared => Atomic.LoadAcquire(ref s_shared!) ?? MakeShared();

    /// <summary>The name in messages, listings and metrics.</summary>
    public string Name { get; }

    bool IIdlePass.HasWork => _buckets.Any(bucket => !bucket.IsEmpty);

    /// <summary>Rents an array. Its bytes hold anything.</summary>
    /// <param name="minimumLength">0 or more. An array of 0 bytes need not be returned.</param>
    /// <returns>An array of at least that length, to be returned once; an empty one for 0, whose return does nothing.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The length is negative.</exception>
    /// <exception cref="ObjectDisposedException">The pool is disposed.</exception>
    /// <exception cref="MemoryFaultException">In checked mode: the array was written to after its return. It is not used again.</exception>
    /// <exception cref="OutOfMemoryException">There is no managed memory for it.</exception>
    public override byte[] Rent(int minimumLength)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(minimumLength);
        ObjectDisposedException.ThrowIf(Atomic.LoadAcquire(ref _disposed) != 0, this);
        if (minimumLength == 0)
        {
            return [];
        }

        if (minimumLength > LengthMax)
        {
            return GC.AllocateUninitializedArray<byte>(minimumLength);
        }

        ArrayBucket bucket = _buckets[IndexOf(minimumLength)];
        byte[] array = bucket.Rent(out bool isNew);
        if (_checked is not null)
        {
            Check(bucket, array, isNew);
        }

        if (isNew)
        {
            Atomic.Add(ref _allocatedBytes, array.Length);
        }

        return array;
    }

    /// <summary>Returns an array, also after the pool's disposal. It fails for mistakes only, never for want of memory.</summary>
    /// <param name="array">What <see cref="Rent"/> gave.</param>
    /// <param name="clearArray">Whether it is cleared first.</param>
    /// <exception cref="ArgumentNullException">The array is null.</exception>
    /// <exception cref="ArgumentException">No array of this pool has that length.</exception>
    /// <exception cref="MemoryFaultException">In checked mode: it is not rented.</exception>
    public override void Return(byte[] array, bool clearArray = false)
    {
        ArgumentNullException.ThrowIfNull(array);
        if (array.Length == 0 || array.Length > LengthMax)
        {
            return;
        }

        if (array.Length < LengthMin || !int.IsPow2(array.Length))
        {
            throw new ArgumentException($"An array of {array.Length} bytes is not of the pool '{Name}', whose arrays have powers of two.", nameof(array));
        }

        _checked?.Returned(array);
        if (clearArray)
        {
            array.AsSpan().Clear();
        }

        ArrayBucket bucket = _buckets[IndexOf(array.Length)];
        if (Atomic.LoadAcquire(ref _disposed) != 0)
        {
            bucket.CountReturn();
            Atomic.Add(ref _evictedBytes, array.Length);
            return;
        }

        if (!bucket.Return(array, _pass))
        {
            Atomic.Add(ref _evictedBytes, array.Length);
            return;
        }

        if (Atomic.LoadAcquire(ref _disposed) != 0)
        {
            // The disposal came in between, and may have looked at that list before: by the list's lock one of the two sees the other.
            Trim();
            return;
        }

        _passes.Arm();
    }

    /// <summary>Gives the memory of all idle arrays back at once, instead of after <see cref="BufferPoolOptions.IdleDelay"/>.</summary>
    /// <returns>Bytes given back.</returns>
    public long Trim() => Trim(int.MaxValue, 0, 0);

    /// <summary>Counts everything. Exact at rest, as long as only what was rented comes back, once; nothing is ever below 0.</summary>
    /// <returns>The figures, a copy that does not change any more.</returns>
    public BufferPoolStatistics GetStatistics()
    {
        (long rentsNow, long rentedNow, long rented, long foreign) = (0, 0, 0, 0);
        foreach (ArrayBucket bucket in _buckets)
        {
            (long rents, long returns) = bucket.Counts;
            rentsNow += long.Max(rents - returns, 0);
            rentedNow += long.Max(rents - returns, 0) * bucket.Length;
            rented += rents * bucket.Length;

            // What came back without a rent of its own: another maker's array, or one that came back twice.
            foreign += long.Max(returns - rents, 0) * bucket.Length;
        }

        long allocated = Atomic.LoadAcquire(ref _allocatedBytes);
        long evicted = Atomic.LoadAcquire(ref _evictedBytes);
        return new BufferPoolStatistics(
            rentedNow,
            long.Max(allocated + foreign - evicted - rentedNow, 0),
            rentedNow + _buckets.Sum(bucket => bucket.IdleBytes),
            rented,
            allocated,
            evicted,
            rentsNow,
            _checked?.ExtraReturns ?? 0,
            0);
    }

    /// <summary>Ends renting and gives idle memory back. Arrays that are rented stay valid, and may be returned: they are left to the garbage collector.</summary>
    public void Dispose()
    {
        if (!_isShared && Atomic.Exchange(ref _disposed, 1) == 0)
        {
            _passes.Dispose();
            Trim();
        }
    }

    bool IIdlePass.RunIdlePass()
    {
        _pass++;
        Trim(_pass, PassesPerDelay, PassesPerDelay * DropDelays);
        return ((IIdlePass)this).HasWork;
    }

    /// <summary>Has the checked mode look at an array. One that it finds wrong, or cannot note, is left to the collector: it is neither idle nor rented.</summary>
    private void Check(ArrayBucket bucket, byte[] array, bool isNew)
    {
        bool isSound = false;
        try
        {
            _checked!.Rented(array);
            isSound = true;
        }
        finally
        {
            if (!isSound)
            {
                bucket.CountReturn();
                Atomic.Add(ref _evictedBytes, isNew ? 0 : array.Length);
            }
        }
    }

    private long Trim(int now, int age, int dropAge)
    {
        using (_passLock.EnterScope())
        {
            long bytes = 0;
            foreach (ArrayBucket bucket in _buckets)
            {
                bytes += bucket.Trim(_platform, now, age, dropAge);
            }

            Atomic.Add(ref _evictedBytes, bytes);
            return bytes;
        }
    }

    private static int IndexOf(int length) => int.Max(int.Log2(length - 1 | 1) + 1, int.Log2(LengthMin)) - int.Log2(LengthMin);

    private static NativeArrayPool MakeShared()
    {
        var made = new NativeArrayPool(new BufferPoolOptions(), "shared arrays", TimeProvider.System, SystemPlatform.Current, isShared: true);
        if (!Atomic.CompareExchange(ref s_shared!, null!, made))
        {
            made._passes.Dispose();
        }

        return s_shared!;
    }
}
