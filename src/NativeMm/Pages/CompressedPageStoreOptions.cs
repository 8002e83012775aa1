using NativeMm.Zsmalloc;

namespace NativeMm.Buffers;

/// <summary>How a <see cref="CompressedPageStore"/> keeps pages.</summary>
public sealed record CompressedPageStoreOptions
{
    /// <summary>Bytes of every page: 4096, 16384 or 65536. Default 4096. Larger pages compress better; a load always restores a whole one.</summary>
    public int PageBytes { get; init; } = 4096;

    /// <summary>
    /// Most bytes of frames that compressed and incompressible pages may take, in whole frames of 4096 bytes; 0, the default, for no limit. A page
    /// that would pass it is refused. The table of keys does not count.
    /// </summary>
    public long MemoryLimitBytes { get; init; }

    /// <summary>Who compresses. Null, the default, takes <see cref="PageCodecs.Default"/>.</summary>
    public IPageCodec? Codec { get; init; }

    /// <summary>How the compressed pages are packed into frames.</summary>
    public ZsPoolOptions Pool { get; init; } = new();

    /// <summary>Throws when a value is out of its range.</summary>
    /// <exception cref="ArgumentNullException"><see cref="Pool"/> is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The message names the option, its value and its range.</exception>
    public void Validate()
    {
        if (PageBytes is not (4096 or 16384 or 65536))
        {
            throw new ArgumentOutOfRangeException(nameof(PageBytes), PageBytes, "A page has 4096, 16384 or 65536 bytes.");
        }

        if (MemoryLimitBytes is < 0 or (> 0 and < 4096))
        {
            throw new ArgumentOutOfRangeException(nameof(MemoryLimitBytes), MemoryLimitBytes, "The limit is 0, for none, or 4096 bytes or more.");
        }

        ArgumentNullException.ThrowIfNull(Pool);
        Pool.Validate();
    }
}
