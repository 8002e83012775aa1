using System.Globalization;
using System.Text;

namespace NativeMm.Lab.Experiments.Cache;

/// <summary>Keys of 15 bytes or characters, in the form in which each cache wants them: made beforehand, or anew each time where keys count as memory of the cache.</summary>
internal sealed class CacheKeys
{
    /// <summary>Bytes of a key.</summary>
    public const int KeyBytes = 15;

    /// <summary>Bytes of a value.</summary>
    public const int ValueBytes = 100;

    private const int DigitsFrom = 4;

    private readonly byte[]? _bytes;
    private readonly string[]? _texts;

    /// <summary>Makes keys.</summary>
    /// <param name="items">How many.</param>
    /// <param name="asText">Whether the cache takes strings.</param>
    /// <param name="beforehand">Whether they are made now.</param>
    public CacheKeys(int items, bool asText, bool beforehand)
    {
        if (!beforehand)
        {
            return;
        }

        if (asText)
        {
            _texts = [.. Enumerable.Range(0, items).Select(Make)];
            return;
        }

        _bytes = new byte[items * KeyBytes];
        for (int i = 0; i < items; i++)
        {
            Encoding.ASCII.GetBytes(Make(i), _bytes.AsSpan(i * KeyBytes));
        }
    }

    /// <summary>The key as a string.</summary>
    public string TextOf(int item) => _texts is null ? Make(item) : _texts[item];

    /// <summary>The key as bytes.</summary>
    /// <param name="item">Whose.</param>
    /// <param name="scratch">Memory for one that is made now.</param>
    public ReadOnlySpan<byte> BytesOf(int item, Span<byte> scratch)
    {
        if (_bytes is not null)
        {
            return _bytes.AsSpan(item * KeyBytes, KeyBytes);
        }

        "key-"u8.CopyTo(scratch);
        item.TryFormat(scratch[DigitsFrom..], out _, "D11", CultureInfo.InvariantCulture);
        return scratch[..KeyBytes];
    }

    private static string Make(int item) => string.Create(CultureInfo.InvariantCulture, $"key-{item:D11}");
}
