using System.Buffers;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Caching.Distributed;
using NativeMm.Caching;
using NativeMm.Primitives;
using NativeMm.Runtime;

namespace NativeMm.Extensions;

/// <summary>
/// A cache outside of the garbage collected heap for what wants an <see cref="IDistributedCache"/>: <c>HybridCache</c>, FusionCache, sessions. Its
/// limit is one of bytes, and holds. Thread-safe.
/// </summary>
/// <remarks>
/// <para>Expirations are exact to the millisecond. Of two absolute expirations the earlier one counts.</para>
/// <para>Without a second tier it is of this process alone, and every call ends before it returns. With one, what is set and removed goes to both, and
/// what is not here is read from there, once for everybody who waits for a key. A tier that is down, slow or gives nonsense is not noticed but for
/// what only the tier has, and in <see cref="GetStatistics"/>; what it missed it gets when it is back. Calls that do not await wait for it on their thread.</para>
/// </remarks>
public sealed partial class NativeDistributedCache : IBufferDistributedCache, IDisposable
{
    private readonly NativeCache _cache;
    private readonly TieredCache? _tiers;
    private readonly TimeProvider _time;
    private readonly TimeSpan? _defaultExpiration;
    private readonly TierMeter? _meter;

    // Ends that are under way or done: one that was refused takes itself out again, and no other.
    private int _ends;

    /// <summary>Makes an empty cache.</summary>
    /// <param name="runtime">Whose memory it takes.</param>
    /// <param name="options">The options; what is changed in them later changes nothing.</param>
    /// <param name="secondTier">A cache elsewhere, of which this one does not dispose; null for none. No other writer's entries are understood there.</param>
    /// <param name="time">The clock of expirations, of timeouts and of the circuit; null for the system's.</param>
    /// <param name="meters">Makes the meter of the second tier; null for one of its own.</param>
    /// <exception cref="ArgumentNullException">The runtime or the options are null.</exception>
    /// <exception cref="ArgumentException">An option is out of its range; the message names it, its value and the range.</exception>
    /// <exception cref="ObjectDisposedException">The runtime is disposed.</exception>
    public NativeDistributedCache(
        MemoryRuntime runtime,
        NativeDistributedCacheOptions options,
        IDistributedCache? secondTier = null,
        TimeProvider? time = null,
        IMeterFactory? meters = null)
    {
        ArgumentNullException.ThrowIfNull(runtime);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        _time = time ?? TimeProvider.System;
        _defaultExpiration = options.DefaultExpiration;
        _cache = new NativeCache(runtime, new NativeCacheOptions
        {
            Name = options.Name,
            SizeLimit = options.SizeLimit,
            MaxEntryBytes = options.MaxEntryBytes,
            TimeProvider = _time,
            Codec = options.Codec,
        });
        if (secondTier is not null)
        {
            _tiers = new TieredCache(_cache, new SecondTier(secondTier, options, _time), options, _time);
            _meter = new TierMeter(meters, options.Name, _tiers.Tier);
        }
    }

    /// <inheritdoc/>
    public byte[]? Get(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        var sink = default(ArraySink);
        _ = TryGetHere(key, ref sink, out Task<TierAnswer>? load) || (load is not null && Finish(key, load.GetAwaiter().GetResult(), ref sink));
        return sink.Value;
    }

    /// <inheritdoc/>
    public Task<byte[]?> GetAsync(string key, CancellationToken token = default)
    {
        ArgumentNullException.ThrowIfNull(key);
        if (token.IsCancellationRequested)
        {
            return Task.FromCanceled<byte[]?>(token);
        }

        var sink = default(ArraySink);
        return !TryGetHere(key, ref sink, out Task<TierAnswer>? load) && load is not null ? Loaded(load) : Task.FromResult(sink.Value);

        async Task<byte[]?> Loaded(Task<TierAnswer> load)
        {
            TierAnswer answer = await load.WaitAsync(token).ConfigureAwait(false);
            var sink = default(ArraySink);
            Finish(key, answer, ref sink);
            return sink.Value;
        }
    }

    /// <inheritdoc/>
    /// <remarks>A miss does not touch the writer. What a writer throws passes through, and the entry stays.</remarks>
    public bool TryGet(string key, IBufferWriter<byte> destination)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(destination);
        var sink = new WriterSink(destination);
        return TryGetHere(key, ref sink, out Task<TierAnswer>? load) || (load is not null && Finish(key, load.GetAwaiter().GetResult(), ref sink));
    }

    /// <inheritdoc/>
    /// <remarks>A miss does not touch the writer. What a writer throws passes through, and the entry stays. Completed when it returns, but for loads from a second tier.</remarks>
    public ValueTask<bool> TryGetAsync(string key, IBufferWriter<byte> destination, CancellationToken token = default)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(destination);
        if (token.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<bool>(token);
        }

        var sink = new WriterSink(destination);
        return TryGetHere(key, ref sink, out Task<TierAnswer>? load) ? ValueTask.FromResult(true)
            : load is null ? ValueTask.FromResult(false) : Loaded(load);

        async ValueTask<bool> Loaded(Task<TierAnswer> load)
        {
            TierAnswer answer = await load.WaitAsync(token).ConfigureAwait(false);
            var sink = new WriterSink(destination);
            return Finish(key, answer, ref sink);
        }
    }

    /// <inheritdoc/>
    public void Refresh(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        RefreshBoth(key).GetAwaiter().GetResult();
    }

    /// <inheritdoc/>
    public Task RefreshAsync(string key, CancellationToken token = default)
    {
        ArgumentNullException.ThrowIfNull(key);
        return token.IsCancellationRequested ? Task.FromCanceled(token) : RefreshBoth(key).WaitAsync(token);
    }

    /// <inheritdoc/>
    public void Remove(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        RemoveBoth(key).GetAwaiter().GetResult();
    }

    /// <inheritdoc/>
    public Task RemoveAsync(string key, CancellationToken token = default)
    {
        ArgumentNullException.ThrowIfNull(key);
        return token.IsCancellationRequested ? Task.FromCanceled(token) : RemoveBoth(key).WaitAsync(token);
    }

    /// <inheritdoc/>
    public void Set(string key, byte[] value, DistributedCacheEntryOptions options)
    {
        ArgumentNullException.ThrowIfNull(value);
        Set(key, new ReadOnlySequence<byte>(value), options);
    }

    /// <inheritdoc/>
    public Task SetAsync(string key, byte[] value, DistributedCacheEntryOptions options, CancellationToken token = default)
    {
        ArgumentNullException.ThrowIfNull(value);
        return SetAsync(key, new ReadOnlySequence<byte>(value), options, token).AsTask();
    }

    /// <inheritdoc/>
    /// <remarks>What the cache cannot take (too long, no memory) it does not have afterwards, nor an older value; that is no error.</remarks>
    public void Set(string key, ReadOnlySequence<byte> value, DistributedCacheEntryOptions options)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(options);
        SetBoth(key, in value, EntryLifetime.Of(options, _time.GetUtcNow(), _defaultExpiration)).GetAwaiter().GetResult();
    }

    /// <inheritdoc/>
    /// <remarks>The value is copied before this returns. What the cache cannot take it does not have afterwards, nor an older value; that is no error.</remarks>
    public ValueTask SetAsync(string key, ReadOnlySequence<byte> value, DistributedCacheEntryOptions options, CancellationToken token = default)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(options);
        if (token.IsCancellationRequested)
        {
            return ValueTask.FromCanceled(token);
        }

        Task written = SetBoth(key, in value, EntryLifetime.Of(options, _time.GetUtcNow(), _defaultExpiration));
        return written.IsCompletedSuccessfully ? ValueTask.CompletedTask : new ValueTask(written.WaitAsync(token));
    }

    /// <summary>What it holds and did, and how the second tier fares.</summary>
    /// <returns>The figures, a copy that does not change any more.</returns>
    /// <exception cref="ObjectDisposedException">The cache is disposed, or its runtime.</exception>
    public NativeDistributedCacheStatistics GetStatistics() => NativeDistributedCacheStatistics.Of(_cache.GetStatistics(), _tiers?.Tier);

    /// <inheritdoc cref="NativeCache.Trim"/>
    public ulong Trim(double share = 0) => _cache.Trim(share);

    /// <summary>
    /// Gives all memory back. Waits for readers of other threads that are copying a value, with what they call: their writers. The second tier is left alone. A second call
    /// does nothing.
    /// </summary>
    /// <exception cref="InvalidOperationException">The caller is a writer that a call of this cache called. The cache stays as it is.</exception>
    public void Dispose()
    {
        Atomic.Add(ref _ends, 1);
        try
        {
            _cache.Dispose();
        }
        catch (InvalidOperationException)
        {
            Atomic.Add(ref _ends, -1);
            throw;
        }

        _meter?.Dispose();
    }
}
