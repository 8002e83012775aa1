using NativeMm.Buffers;
using NativeMm.Soak.Shadow;

namespace NativeMm.Soak.Fuzzing;

/// <summary>A codec whose compressed pages are damaged before they are restored, when it is told so: as if memory had been overwritten.</summary>
internal sealed class DamagingCodec : IPageCodec
{
    private readonly IPageCodec _inner = PageCodecs.Default;

    /// <summary>Who damages the next page, or null for nobody.</summary>
    public Chance? Damage { get; set; }

    public string Name => _inner.Name;

    public bool TryCompress(ReadOnlySpan<byte> page, Span<byte> destination, out int bytesWritten) =>
        _inner.TryCompress(page, destination, out bytesWritten);

    public bool TryDecompress(ReadOnlySpan<byte> compressed, Span<byte> page)
    {
        if (Damage is not { } chance)
        {
            return _inner.TryDecompress(compressed, page);
        }

        return _inner.TryDecompress(Mutation.Of(compressed, chance), page);
    }
}
