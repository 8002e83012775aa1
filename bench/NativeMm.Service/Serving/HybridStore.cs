using System.Buffers;
using Microsoft.Extensions.Caching.Hybrid;

namespace NativeMm.Service.Serving;

/// <summary>The framework's <see cref="HybridCache"/> with its local cache alone.</summary>
/// <param name="cache">The cache.</param>
internal sealed class HybridStore(HybridCache cache) : IValueStore
{
    private static readonly HybridCacheEntryOptions s_look = new() { Flags = HybridCacheEntryFlags.DisableUnderlyingData };
    private static readonly HybridCacheEntryOptions s_keep = new() { Expiration = TimeSpan.FromDays(1), LocalCacheExpiration = TimeSpan.FromDays(1) };

    /// <inheritdoc/>
    public async ValueTask<bool> WriteAsync(string key, HttpResponse response)
    {
        byte[]? value = await cache.GetOrCreateAsync(key, static _ => ValueTask.FromResult<byte[]?>(null), s_look);
        if (value is null)
        {
            return false;
        }

        response.ContentLength = value.Length;
        response.BodyWriter.Write(value);
        return true;
    }

    /// <inheritdoc/>
    public ValueTask SetAsync(string key, ReadOnlySequence<byte> value) => cache.SetAsync(key, value.ToArray(), s_keep);

    /// <inheritdoc/>
    public ValueTask RemoveAsync(string key) => cache.RemoveAsync(key);
}
