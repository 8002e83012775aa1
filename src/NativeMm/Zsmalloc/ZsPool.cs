using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Primitives;

namespace NativeMm.Zsmalloc;

/// <summary>
/// Dense storage for objects of 1 to 4096 bytes behind handles. Thread-safe, except <see cref="Dispose"/>, which no use of objects may overlap: it waits
/// for those who count, compact or validate.
/// </summary>
/// <remarks>
/// Two callers may use different objects in any way at the same time. Of one object there may be many readers, or one writer; whoever frees it
/// must be its last user.
/// </remarks>
public sealed class ZsPool : IDisposable, IFrameCensus
{
    /// <summary>Largest object, in bytes.</summary>
    public const int ObjectBytesMax = 4096;

    // The default engine has a field of its own type, so that its calls need no table and may be inlined; null for any other.
    private readonly ZsAllocator<PerClassLocking, NoLockStatistics, NoPause>? _default;
    private readonly ZsEngine _engine;
    private readonly IFrameAllocator _frames;
    private SleepLock _endLock;

    /// <summary>Makes a pool over a frame allocator, which must outlive it: where the allocator went first, <see cref="Dispose"/> alone may follow.</summary>
    /// <param name="frames">Where the memory comes from.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    /// <exception cref="OutOfMemoryException">The system refuses the memory for the bookkeeping.</exception>
    /// <exception cref="ArgumentNullException">The allocator is null.</exception>
    public ZsPool(IFrameAllocator frames, ZsPoolOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(frames);
        Options = options ?? new ZsPoolOptions();
        Options.Validate();
        _frames = frames;
        _engine = Options.LockStatistics ? Make<LockStatistics>(frames, Options) : Make<NoLockStatistics>(frames, Options);
        _default = _engine as ZsAllocator<PerClassLocking, NoLockStatistics, NoPause>;
    }

    /// <summary>The options in force.</summary>
    public ZsPoolOptions Options { get; }

    /// <summary>Objects larger than this take a whole frame each: there is nothing to be saved by storing them compressed.</summary>
    public int HugeObjectBytes => _engine.HugeObjectBytes;

    /// <summary>Whether <see cref="Dispose"/> was called.</summary>
    public bool IsDisposed { get; private set; }

    /// <summary>
    /// Whether only faults of spaces lease objects of the pool. They end by themselves, and before the pool does, whose owner waits for them: the end of a runtime is
    /// not refused for one.
    /// </summary>
    internal bool LeasesEndFirst { get; set; }

    /// <summary>What the pool runs on.</summary>
    internal ZsEngine Engine => _engine;

    /// <summary>Makes an object; its content is undefined until it is written.</summary>
    /// <param name="bytes">Its size, 1 to 4096.</param>
    /// <returns>The handle of the object, for which <see cref="ZsHandle.IsNone"/> is false; it is the caller's to <see cref="Free"/>, once.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="bytes"/> is outside that range.</exception>
    /// <exception cref="OutOfMemoryException">There are no frames left; the message says how many there are.</exception>
    public ZsHandle Alloc(int bytes)
    {
        if (!TryAlloc(bytes, out ZsHandle handle))
        {
            ThrowOutOfMemory(bytes);
        }

        return handle;
    }

    /// <summary>Makes an object unless memory is short.</summary>
    /// <param name="bytes">Its size, 1 to 4096.</param>
    /// <param name="handle">The object, or none.</param>
    /// <returns>Whether the object was made; false when there is no frame for it, and nothing has changed then.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="bytes"/> is outside that range.</exception>
    public bool TryAlloc(int bytes, out ZsHandle handle) =>
        _default is { } engine ? engine.TryAlloc(bytes, out handle) : _engine.TryAlloc(bytes, out handle);

    /// <summary>Frees an object.</summary>
    /// <param name="handle">The object, of this pool and not freed yet.</param>
    /// <exception cref="MemoryFaultException">The object is freed already, or the handle came from elsewhere.</exception>
    public void Free(ZsHandle handle)
    {
        if (_default is { } engine)
        {
            engine.Free(handle);
            return;
        }

        _engine.Free(handle);
    }

    /// <summary>Writes into an object.</summary>
    /// <param name="handle">The object.</param>
    /// <param name="data">What to write.</param>
    /// <param name="offset">Where it goes, in bytes from the object's start.</param>
    /// <exception cref="ArgumentOutOfRangeException">The data does not fit in the object there.</exception>
    /// <exception cref="MemoryFaultException">The object is freed already, or the handle came from elsewhere.</exception>
    public void Write(ZsHandle handle, ReadOnlySpan<byte> data, int offset = 0)
    {
        if (_default is { } engine)
        {
            engine.Write(handle, data, offset);
            return;
        }

        _engine.Write(handle, data, offset);
    }

    /// <summary>Opens an object for reading.</summary>
    /// <param name="handle">The object.</param>
    /// <param name="scratch">Where the bytes go when the object straddles frames; at least as long as the object.</param>
    /// <returns>The bytes of the object, to be disposed by the thread that opened it.</returns>
    /// <exception cref="ArgumentException">The scratch is shorter than the object.</exception>
    /// <exception cref="MemoryFaultException">The object is freed already, or the handle came from elsewhere.</exception>
    public ZsReadLease OpenRead(ZsHandle handle, Span<byte> scratch) =>
        _default is { } engine ? engine.OpenRead(handle, scratch) : _engine.OpenRead(handle, scratch);

    /// <summary>The size that the object was made with, in bytes.</summary>
    /// <param name="handle">The object, of this pool and not freed yet.</param>
    /// <returns>Bytes, 1 to 4096, as they were asked for.</returns>
    /// <exception cref="MemoryFaultException">The object is freed already, or the handle came from elsewhere.</exception>
    public int SizeOf(ZsHandle handle) =>
        _default is { } engine ? engine.SizeOf(handle) : _engine.SizeOf(handle);

    /// <summary>
    /// Moves objects together and frees the zspages that become empty, as far as whole ones can be freed. It waits for those who are compacting a class
    /// already, and for its turn where more than <see cref="ZsPoolOptions.MaxCompactors"/> want to: what could be freed is free when it returns. What others
    /// allocate and free meanwhile may be left for the next call.
    /// </summary>
    /// <returns>Frames freed by this call.</returns>
    /// <exception cref="ObjectDisposedException">The pool is disposed.</exception>
    public long Compact()
    {
        ObjectDisposedException.ThrowIf(IsDisposed, this);
        return _engine.Compact();
    }

    /// <summary>Frames that the pool holds; 0 once it is disposed.</summary>
    /// <returns>Frames of 4096 bytes.</returns>
    public long GetTotalFrames() => _engine.TotalFrames;

    /// <summary>Counts everything.</summary>
    /// <returns>The figures, a copy that does not change any more.</returns>
    /// <exception cref="ObjectDisposedException">The pool is disposed.</exception>
    public ZsPoolStatistics GetStatistics() => _engine.GetStatistics();

    /// <summary>The classes that remain after merging, the smallest size first.</summary>
    /// <returns>One account for each class, a copy of this moment; never null.</returns>
    /// <exception cref="ObjectDisposedException">The pool is disposed.</exception>
    public IReadOnlyList<ZsClassStatistics> GetClassStatistics() => _engine.GetClassStatistics();

    /// <summary>
    /// What each lock of the pool recorded; empty without <see cref="ZsPoolOptions.LockStatistics"/>. Locks that were never taken are left out. Exact
    /// at rest.
    /// </summary>
    /// <returns>One account for each lock, a copy of this moment; never null.</returns>
    /// <exception cref="ObjectDisposedException">The pool is disposed.</exception>
    public IReadOnlyList<LockStatisticsSnapshot> GetLockStatistics() => _engine.GetLockStatistics();

    /// <summary>
    /// The sum over the locks of the pool: counts and totals added, minima and maxima over all; null without
    /// <see cref="ZsPoolOptions.LockStatistics"/>.
    /// </summary>
    /// <returns>The sum under the name of the pool, or null.</returns>
    /// <exception cref="ObjectDisposedException">The pool is disposed.</exception>
    public LockStatisticsSnapshot? SumLockStatistics() => Options.LockStatistics ? LockStatisticsSum.Of(Options.Name, GetLockStatistics()) : null;

    /// <summary>
    /// Checks the whole structure and its accounting equations. Call it at rest; compaction that began by itself and passes of the runtime it waits for.
    /// </summary>
    /// <exception cref="InvariantViolationException">Something does not add up.</exception>
    /// <exception cref="ObjectDisposedException">The pool is disposed.</exception>
    public void Validate() => _engine.Validate();

    /// <summary>
    /// Gives all frames back, also those of objects that are still alive; those are reported as a leak by an event. A second call does nothing.
    /// </summary>
    /// <exception cref="InvalidOperationException">A lease is open; the pool stays as it is.</exception>
    public void Dispose() => Release(areAlive: true);

    /// <summary>As <see cref="Dispose"/>.</summary>
    /// <param name="areAlive">Whether objects in the pool are a leak; an owner of the pool may know that nobody has a handle.</param>
    internal void Release(bool areAlive)
    {
        long objects;
        long bytes;
        using (_endLock.EnterScope())
        {
            // The store over the pool may be finalized while the runtime ends.
            ThrowIfLeased();
            (objects, bytes) = _engine.Release();
            IsDisposed = true;
        }

        if (objects != 0 && areAlive && NativeMmEventSource.Log.IsEnabled())
        {
            TellLeak(objects, bytes);
        }
    }

    private void TellLeak(long objects, long bytes)
    {
        try
        {
            NativeMmEventSource.Log.MemoryFault(
                MemoryFaultKind.Leak,
                0,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"Leak: {objects} objects of {bytes} bytes in all were still alive when pool '{Options.Name}' was disposed."));
        }
        catch (OutOfMemoryException)
        {
            // No managed memory for the words. The pool is gone all the same.
        }
    }

    /// <summary>Whether a lease on an object is open. False once the pool is disposed.</summary>
    internal bool IsLeased => _engine.IsLeased();

    /// <summary>A lease that outlived its pool would read what is no longer there.</summary>
    /// <exception cref="InvalidOperationException">A lease is open.</exception>
    internal void ThrowIfLeased()
    {
        if (IsLeased)
        {
            throw new InvalidOperationException(
                $"Pool '{Options.Name}' is disposed while a lease on one of its objects is open. Dispose the lease first.");
        }
    }

    /// <summary>What <see cref="Compact"/> does, for an owner who does not know whether the pool is disposed at the same time.</summary>
    internal long CompactUnlessDisposed() => _engine.Compact();

    /// <summary>Frees the empty zspages that are kept for the next object.</summary>
    internal long ReleaseEmptyUnlessDisposed() => _engine.ReleaseEmpty();

    /// <summary>Frees the empty zspages that are kept for the next object, and compacts the classes that nobody allocated from since the last call.</summary>
    internal void TrimIdleUnlessDisposed() => _engine.TrimIdle();

    /// <summary>The slots of the objects alive, in bytes; 0 once the pool is disposed.</summary>
    internal long SlotBytesUnlessDisposed() => _engine.SlotBytes();

    /// <inheritdoc/>
    bool IFrameCensus.HasFrames => _engine.TotalFrames != 0;

    /// <inheritdoc/>
    uint IFrameCensus.CountFrames(Pfn first, uint count) => _engine.CountFrames(first, count);

    /// <inheritdoc/>
    bool IFrameMigrator.TryMigrate(Pfn frame, Pfn target) => _engine.TryMigrate(frame, target);

    private static ZsEngine Make<TStatistics>(IFrameAllocator frames, ZsPoolOptions options)
        where TStatistics : unmanaged, ILockStatistics => options.LockMode switch
        {
            ZsLockMode.Pool => new ZsAllocator<PoolLocking, TStatistics, NoPause>(frames, options),
            ZsLockMode.PoolSingleCompactor => new ZsAllocator<PoolSingleCompactorLocking, TStatistics, NoPause>(frames, options),
            _ => new ZsAllocator<PerClassLocking, TStatistics, NoPause>(frames, options),
        };

    [DoesNotReturn]
    private void ThrowOutOfMemory(int bytes) => throw OutOfFrames.For(_frames, (nuint)bytes);
}
