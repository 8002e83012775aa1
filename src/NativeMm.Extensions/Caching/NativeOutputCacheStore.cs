using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.OutputCaching;
using NativeMm.Caching;
using NativeMm.Runtime;

namespace NativeMm.Extensions;

/// <summary>The responses of output caching outside of the garbage collected heap, within a limit of bytes that holds. Thread-safe.</summary>
/// <remarks>
/// It is of this process alone, and every call ends before it returns. An eviction by a tag takes what lies under it out of sight at once, and its memory
/// when that is needed or when its time is over.
/// </remarks>
public sealed class NativeOutputCacheStore : IOutputCacheBufferStore, IDisposable
{
    private readonly NativeCache _cache;
    private readonly TimeProvider _time;
    private readonly OutputTags _tags = new();

    /// <summary>Makes an empty store.</summary>
    /// <param name="runtime">Whose memory it takes.</param>
    /// <param name="options">The options; what is changed in them later changes nothing.</param>
    /// <param name="time">The clock of expirations; null for the system's.</param>
    /// <exception cref="ArgumentNullException">The runtime or the options are null.</exception>
    /// <exception cref="ArgumentException">An option is out of its range; the message names it, its value and the range.</exception>
    /// <exception cref="ObjectDisposedException">The runtime is disposed.</exception>
    public NativeOutputCacheStore(MemoryRuntime runtime, NativeOutputCacheOptions options, TimeProvider? time = null)
    {
        ArgumentNullException.ThrowIfNull(runtime);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        _time = time ?? TimeProvider.System;
        _cache = new NativeCache(runtime, new NativeCacheOptions
        {
            Name = options.Name,
            SizeLimit = options.SizeLimit,
            MaxEntryBytes = options.MaxEntryBytes,
            TimeProvider = _time,
            Codec = options.Codec,
        });
    }

    /// <inheritdoc/>
    public ValueTask<byte[]?> GetAsync(string key, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(key);
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<byte[]?>(cancellationToken);
        }

        var sink = default(ArraySink);
        Find(key, ref sink);
        return ValueTask.FromResult(sink.Value);
    }

    /// <inheritdoc/>
    /// <remarks>A miss does not touch the writer. A hit ends with a flush of it.</remarks>
    public ValueTask<bool> TryGetAsync(string key, PipeWriter destination, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(destination);
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<bool>(cancellationToken);
        }

        var sink = new WriterSink(destination);
        return Find(key, ref sink) ? Flushed() : ValueTask.FromResult(false);

        // The entry is let go before: a reader at the other end may take as long as it likes.
        async ValueTask<bool> Flushed()
        {
            await destination.FlushAsync(cancellationToken).ConfigureAwait(false);
            return true;
        }
    }

    /// <inheritdoc/>
    /// <remarks>What the store cannot take (too long, no memory) it does not have afterwards, nor an older response; that is no error.</remarks>
    public ValueTask SetAsync(string key, byte[] value, string[]? tags, TimeSpan validFor, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(value);
        return SetAsync(key, new ReadOnlySequence<byte>(value), tags, validFor, cancellationToken);
    }

    /// <inheritdoc/>
    /// <remarks>
    /// The response is copied before this returns. What the store cannot take (too long, no memory) it does not have afterwards, nor an older response; that is
    /// no error.
    /// </remarks>
    public ValueTask SetAsync(string key, ReadOnlySequence<byte> value, ReadOnlyMemory<string> tags, TimeSpan validFor, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(validFor, TimeSpan.Zero);
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled(cancellationToken);
        }

        using var name = new CacheKey(key, stackalloc byte[CacheKey.StackBytes]);
        byte[] head = _tags.Head(tags.Span, _time.GetUtcNow(), validFor);
        if (value.Length > NativeCacheOptions.ValueBytesMax - head.Length)
        {
            _cache.Remove(name.Bytes);
            return ValueTask.CompletedTask;
        }

        ReadOnlySequence<byte> entry = CacheSegment.Join(head, in value);
        _cache.Set(name.Bytes, in entry, new CacheEntryOptions { AbsoluteExpirationRelativeToNow = validFor });
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask EvictByTagAsync(string tag, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(tag);
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled(cancellationToken);
        }

        _tags.Evict(tag, _time.GetUtcNow());
        return ValueTask.CompletedTask;
    }

    /// <summary>What it holds and did. What was evicted by a tag is in it until its memory is needed or its time is over.</summary>
    /// <returns>The figures, a copy that does not change any more.</returns>
    /// <exception cref="ObjectDisposedException">The store is disposed, or its runtime.</exception>
    public CacheStatistics GetStatistics() => _cache.GetStatistics();

    /// <inheritdoc cref="NativeCache.Trim"/>
    public ulong Trim(double share = 0) => _cache.Trim(share);

    /// <summary>Gives all memory back, after waiting for readers of other threads that are copying a response. A second call does nothing.</summary>
    /// <exception cref="InvalidOperationException">The caller is a writer that a call of this store called. The store stays as it is.</exception>
    public void Dispose() => _cache.Dispose();

    private bool Find<TSink>(string key, ref TSink sink)
        where TSink : struct, ICacheSink
    {
        using var name = new CacheKey(key, stackalloc byte[CacheKey.StackBytes]);
        if (!_cache.TryGet(name.Bytes, isCall: true, out CacheLease entry))
        {
            return false;
        }

        using (entry)
        {
            // What is evicted stays where it is: the response that is made now takes its place, and a removal could hit that one.
            if (!_tags.IsValid(entry.Span, out int headBytes))
            {
                return false;
            }

            sink.Take(entry.Span[headBytes..]);
            return true;
        }
    }
}
