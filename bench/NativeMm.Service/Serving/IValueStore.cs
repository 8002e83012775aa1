using System.Buffers;

namespace NativeMm.Service.Serving;

/// <summary>The cache of the service.</summary>
internal interface IValueStore
{
    /// <summary>Writes the value into the response, with its length in the head; false when there is none.</summary>
    ValueTask<bool> WriteAsync(string key, HttpResponse response);

    /// <summary>Keeps a value; the bytes are the server's and gone afterwards.</summary>
    ValueTask SetAsync(string key, ReadOnlySequence<byte> value);

    /// <summary>Removes a value.</summary>
    ValueTask RemoveAsync(string key);
}
