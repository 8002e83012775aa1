using NativeMm.Buffers;

namespace NativeMm.Caching;

/// <summary>How a <see cref="NativeCache"/> works. docs/caching.md says what each option does.</summary>
public sealed record NativeCacheOptions
{
    /// <summary>Smallest limit: 1 MiB.</summary>
    public const long SizeLimitMin = 1L << 20;

    /// <summary>Largest limit: 8 TiB.</summary>
    public const long SizeLimitMax = 8L << 40;

    /// <summary>Longest key: 64 KiB.</summary>
    public const int KeyBytesMax = 64 << 10;

    /// <summary>Longest value: 1 GiB.</summary>
    public const int ValueBytesMax = 1 << 30;

    /// <summary>The cache's name in metrics (tag <c>cache.name</c>) and messages; not empty. Default cache.</summary>
    public string Name { get; init; } = "cache";

    /// <summary>
    /// Most bytes of memory that the cache takes, all of it: keys, values, index, bookkeeping, and what lies free between entries. Default 256 MiB.
    /// </summary>
    public long SizeLimit { get; init; } = 256L << 20;

    /// <summary>Most bytes of key and value of one entry; a larger one is refused. 0, the default, for a quarter of <see cref="SizeLimit"/>.</summary>
    public long MaxEntryBytes { get; init; }

    /// <summary>The clock of expirations. Default <see cref="TimeProvider.System"/>.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>
    /// Who compresses values from <see cref="CompressFromBytes"/> bytes on, where that saves a quarter or more: one of <see cref="PageCodecs"/>, for example. Null, the
    /// default, for nobody.
    /// </summary>
    public IPageCodec? Codec { get; init; }

    /// <summary>Shortest value, in bytes, that <see cref="Codec"/> is tried on: 64 B to 1 GiB. Default 4 KiB.</summary>
    public int CompressFromBytes { get; init; } = 4 << 10;

    /// <summary>How long after it is set an entry expires whose options say nothing of time; more than zero. Null, the default, for never.</summary>
    public TimeSpan? DefaultExpiration { get; init; }

    /// <summary>Who is told of entries that leave. Null, the default, for nobody, which is also the fastest.</summary>
    public CacheEvictionHandler? Evicted { get; init; }

    /// <summary>Bytes of key and value that one entry may have.</summary>
    internal long EntryBytesMax => MaxEntryBytes == 0 ? SizeLimit / 4 : MaxEntryBytes;

    /// <summary>Throws when a value is out of its range.</summary>
    /// <exception cref="ArgumentException"><see cref="Name"/> is empty.</exception>
    /// <exception cref="ArgumentNullException"><see cref="Name"/> or <see cref="TimeProvider"/> is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The message names the option, its value and its range.</exception>
    public void Validate()
    {
        ArgumentException.ThrowIfNullOrEmpty(Name);
        ArgumentNullException.ThrowIfNull(TimeProvider);
        if (SizeLimit is < SizeLimitMin or > SizeLimitMax)
        {
            throw new ArgumentOutOfRangeException(nameof(SizeLimit), SizeLimit, $"The limit is {SizeLimitMin} bytes (1 MiB) to {SizeLimitMax} bytes (8 TiB).");
        }

        if (MaxEntryBytes < 0)
        {
            throw new ArgumentOutOfRangeException(nameof(MaxEntryBytes), MaxEntryBytes, "The longest entry is 0, for a quarter of the limit, or more.");
        }

        if (CompressFromBytes is < 64 or > ValueBytesMax)
        {
            throw new ArgumentOutOfRangeException(
                nameof(CompressFromBytes), CompressFromBytes, $"Values are compressed from 64 to {ValueBytesMax} bytes (1 GiB) on.");
        }

        if (DefaultExpiration is { } expiration && expiration <= TimeSpan.Zero)
        {
            throw new ArgumentOutOfRangeException(nameof(DefaultExpiration), expiration, "The default expiration is more than zero.");
        }
    }
}
