using System.Buffers;
using System.Text;
using NativeMm.Caching;

namespace NativeMm.Service.Serving;

/// <summary>A <see cref="NativeCache"/>: values go from its memory into the server's buffers and back, and no array is made.</summary>
/// <param name="cache">The cache.</param>
internal sealed class NativeStore(NativeCache cache) : IValueStore
{
    private const int KeyBytesMax = 256;

    /// <inheritdoc/>
    public ValueTask<bool> WriteAsync(string key, HttpResponse response)
    {
        Span<byte> bytes = stackalloc byte[KeyBytesMax];
        if (!cache.TryGet(bytes[..Encoding.UTF8.GetBytes(key, bytes)], out CacheLease value))
        {
            return ValueTask.FromResult(false);
        }

        using (value)
        {
            response.ContentLength = value.Length;
            value.CopyTo(response.BodyWriter);
        }

        return ValueTask.FromResult(true);
    }

    /// <inheritdoc/>
    public ValueTask SetAsync(string key, ReadOnlySequence<byte> value)
    {
        Span<byte> bytes = stackalloc byte[KeyBytesMax];
        cache.Set(bytes[..Encoding.UTF8.GetBytes(key, bytes)], in value);
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask RemoveAsync(string key)
    {
        Span<byte> bytes = stackalloc byte[KeyBytesMax];
        cache.Remove(bytes[..Encoding.UTF8.GetBytes(key, bytes)]);
        return ValueTask.CompletedTask;
    }
}
