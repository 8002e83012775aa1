using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using NativeMm.AddressSpaces;
using NativeMm.Diagnostics;
using NativeMm.Eviction;
using NativeMm.Frames;
using NativeMm.Heap;
using NativeMm.Primitives;
using NativeMm.Runtime;

namespace NativeMm.Caching;

/// <summary>
/// What a cache owns, and everything that changes it. The cache itself only looks things up, and refers to this; the runtime refers to this, so that a forgotten
/// cache can be found.
/// </summary>
internal abstract unsafe class CacheStore : IShrinker, IRuntimeTenant
{
    /// <summary>Most shards.</summary>
    public const int ShardsMax = 64;

    // While this thread tells listeners of what left: what is yet to be told.
    [ThreadStatic]
    private static Queue<(CacheStore Store, CacheFarewell Farewell)>? t_untold;

    // Whose calls, inside of the gate, are below this thread's code of a program.
    [ThreadStatic]
    private static Stack<CacheStore>? t_callers;

    private readonly nuint[] _roots = GC.AllocateArray<nuint>(ShardsMax, pinned: true);
    private readonly FailureLog _handlerFailures = new("a handler of evictions");
    private readonly FailureLog _clockFailures = new("the clock of a cache");

    private long _refusals;

    // Inside are all but lookups.
    protected StripedEndGate Gate { get; } = new();

    protected CacheStore(MemoryRuntime runtime, NativeCacheOptions options)
    {
        Runtime = runtime;
        Options = options;
        Heap = runtime.Heap;
        Frames = runtime.Frames;
        Budget = new CacheBudget(options.SizeLimit);
        Roots = (nuint*)System.Runtime.CompilerServices.Unsafe.AsPointer(ref _roots[0]);
        _ = Budget.TryCharge(FixedBytes);
    }

    /// <summary>What every cache has, however little is in it.</summary>
    protected long FixedBytes => (ShardsMax * sizeof(ulong)) + CacheCounts.Bytes + Gate.Bytes;

    public NativeCacheOptions Options { get; }

    public MemoryRuntime Runtime { get; }

    public NativeHeap Heap { get; }

    public IFrameAllocator Frames { get; }

    public CacheBudget Budget { get; }

    public CacheHash Hash { get; } = new((ulong)Random64(), (ulong)Random64());

    public CacheReaders Readers { get; } = new(AccessSlots.NextSpaceKey());

    public CacheCounts Counts { get; } = new();

    /// <summary>Where the index of each shard is; all 0 when the store has ended.</summary>
    public nuint* Roots { get; }

    /// <summary>Number of shards less one.</summary>
    public uint ShardMask { get; protected init; }

    /// <inheritdoc/>
    public abstract ulong FrameBytes { get; }

    public long Refusals => Atomic.LoadAcquire(in _refusals);

    /// <summary>Whether it has ended, or is about to.</summary>
    public bool IsEnded => Gate.IsClosed;

    /// <summary>Whether a lease on a value is open, so that it must not end.</summary>
    public bool IsHeld => !IsEnded && Readers.HasLeases();

    public abstract long Count { get; }

    /// <summary>Makes a store.</summary>
    public static CacheStore Make<TPolicy>(MemoryRuntime runtime, NativeCacheOptions options)
        where TPolicy : struct, IReplacementPolicy => new CacheEngine<TPolicy>(runtime, options);

    /// <summary>Stores an entry.</summary>
    public abstract bool Set(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, CacheTimes times, CachePriority priority);

    /// <summary>The same for a caller that is <see cref="Inside"/>.</summary>
    public abstract bool SetInside(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, CacheTimes times, CachePriority priority);

    /// <summary>Counts an entry that cannot be stored, and removes the old one of its key: a stale value is worse than none.</summary>
    public abstract void Refuse(ReadOnlySpan<byte> key);

    public abstract bool Remove(ReadOnlySpan<byte> key);

    public abstract void Clear();

    public abstract ulong Trim(double share);

    public abstract CacheStatistics GetStatistics();

    public abstract void Validate();

    /// <inheritdoc/>
    public abstract ulong Shrink(ulong framesWanted);

    /// <inheritdoc/>
    public abstract void TrimIdle();

    /// <inheritdoc/>
    public abstract void End();

    void IRuntimeTenant.Trim() => TrimUnlessEnded();

    void IRuntimeTenant.Validate() => ValidateUnlessEnded();

    /// <inheritdoc/>
    public void ThrowIfHeld()
    {
        // Also when somebody else ends it already: he waits for this thread, and it would wait for him.
        if (Readers.IsInside(AccessSlotThread.t_slot) || t_callers?.Contains(this) == true)
        {
            throw new InvalidOperationException(
                $"The cache '{Options.Name}' cannot end on a thread that holds a lease on a value of it, or is inside of one of its calls: "
                + "in a writer, a codec, a clock or a listener. Dispose it when that has returned.");
        }

        if (IsHeld)
        {
            throw new InvalidOperationException($"The cache '{Options.Name}' cannot end: a lease on a value of it is open. Dispose it first.");
        }
    }

    public void ThrowIfEnded()
    {
        if (IsEnded)
        {
            ThrowEnded();
        }
    }

    [DoesNotReturn]
    public void ThrowEnded() => throw new ObjectDisposedException(nameof(NativeCache), $"The cache '{Options.Name}' is disposed, or its runtime.");

    /// <summary>Enters the gate, or says that the cache is gone.</summary>
    public StripedEndGate.Visit Inside()
    {
        if (!Gate.TryEnter())
        {
            ThrowEnded();
        }

        return new StripedEndGate.Visit(Gate);
    }

    /// <summary>Copies a value of several pieces, whose memory may be a program's own. From inside of the gate.</summary>
    public void CopyPieces(in ReadOnlySequence<byte> pieces, Span<byte> destination)
    {
        Invariant.Assert(pieces.Length == destination.Length && Gate.Guests > 0, $"{pieces.Length} bytes are copied to {destination.Length}, or from outside of the gate.");
        BeginCallOut();
        try
        {
            pieces.CopyTo(destination);
        }
        finally
        {
            EndCallOut();
        }
    }

    /// <summary>Before code of a program is called from inside of the gate: what it must not do can be told then.</summary>
    protected void BeginCallOut() => (t_callers ??= new()).Push(this);

    /// <summary>After it returned.</summary>
    protected static void EndCallOut() => t_callers!.Pop();

    /// <summary>The time, from inside of the gate: the clock may be a program's code.</summary>
    protected long Now()
    {
        Invariant.Assert(Gate.Guests > 0, "The clock is asked from outside of the gate as from inside.");
        if (ReferenceEquals(Options.TimeProvider, TimeProvider.System))
        {
            return CacheTimes.Now(TimeProvider.System);
        }

        BeginCallOut();
        try
        {
            return CacheTimes.Now(Options.TimeProvider);
        }
        finally
        {
            EndCallOut();
        }
    }

    /// <summary>The time, for work that others ask for: when the clock throws, which is none of their business, nothing has expired.</summary>
    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "What a clock throws harms nobody who only wants memory.")]
    protected long NowForOthers()
    {
        try
        {
            return Now();
        }
        catch (Exception failure)
        {
            _clockFailures.Note(failure);
            return long.MinValue;
        }
    }

    protected abstract void TrimUnlessEnded();

    protected abstract void ValidateUnlessEnded();

    protected void CountRefusal() => Atomic.Add(ref _refusals, 1);

    /// <summary>
    /// Tells the listener, outside of all locks. What a listener's own calls make leave, of this cache or another, is told behind the rest and not inside of it: so one that sets
    /// again what it is told of takes no stack.
    /// </summary>
    protected void Tell(List<CacheFarewell>? left)
    {
        if (left is null || Options.Evicted is null)
        {
            return;
        }

        bool isTelling = t_untold is not null;
        Queue<(CacheStore Store, CacheFarewell Farewell)> untold;
        try
        {
            untold = t_untold ?? new();
            foreach (CacheFarewell farewell in left)
            {
                untold.Enqueue((this, farewell));
            }

            if (isTelling)
            {
                return;
            }

            BeginCallOut();
        }
        catch (OutOfMemoryException)
        {
            // Managed memory is full. The call goes on, which has memory in its hands: nobody is told of these.
            return;
        }

        t_untold = untold;
        try
        {
            while (untold.TryDequeue(out (CacheStore Store, CacheFarewell Farewell) next))
            {
                next.Store.Tell(next.Store.Options.Evicted!, next.Farewell);
            }
        }
        finally
        {
            t_untold = null;
            EndCallOut();
        }
    }

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "What a handler throws harms nobody.")]
    private void Tell(CacheEvictionHandler handler, in CacheFarewell farewell)
    {
        try
        {
            handler(new CacheEviction(farewell.Key, farewell.ValueLength, farewell.Reason));
        }
        catch (Exception failure)
        {
            _handlerFailures.Note(failure);
        }
    }

    private static long Random64()
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        System.Security.Cryptography.RandomNumberGenerator.Fill(bytes);
        return BitConverter.ToInt64(bytes);
    }
}
