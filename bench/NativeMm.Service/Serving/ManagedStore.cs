using System.Buffers;
using Microsoft.Extensions.Caching.Memory;

namespace NativeMm.Service.Serving;

/// <summary>Arrays in a <see cref="MemoryCache"/>.</summary>
/// <param name="cache">The cache.</param>
internal sealed class ManagedStore(IMemoryCache cache) : IValueStore
{
    /// <inheritdoc/>
    public ValueTask<bool> WriteAsync(string key, HttpResponse response)
    {
        if (!cache.TryGetValue(key, out byte[]? value))
        {
            return ValueTask.FromResult(false);
        }

        response.ContentLength = value!.Length;
        response.BodyWriter.Write(value);
        return ValueTask.FromResult(true);
    }

    /// <inheritdoc/>
    public ValueTask SetAsync(string key, ReadOnlySequence<byte> value)
    {
        cache.Set(key, value.ToArray(), new MemoryCacheEntryOptions { Size = value.Length });
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask RemoveAsync(string key)
    {
        cache.Remove(key);
        return ValueTask.CompletedTask;
    }
}
