using NativeMm.Buffers;

namespace NativeMm.Extensions;

/// <summary>
/// What <c>services.AddNativeMmOutputCache</c> makes. Every option but the codec can be set in the configuration, in the section
/// <c>NativeMm:OutputCache</c>, by its name; the code has the last word.
/// </summary>
public sealed class NativeOutputCacheOptions
{
    /// <summary>The cache's name in metrics (tag <c>cache.name</c>) and messages. Default output.</summary>
    public string Name { get; set; } = "output";

    /// <summary>
    /// What the cache may take, in bytes, everything counted: responses, keys, tags, index, fragmentation. From 1 MiB on. Default 256 MiB. What does not fit
    /// makes others go. The framework's <c>OutputCacheOptions.SizeLimit</c> is that of its own store and has no effect here.
    /// </summary>
    public long SizeLimit { get; set; } = 256L << 20;

    /// <summary>Most bytes of key and response of one entry. 0, the default, for a quarter of <see cref="SizeLimit"/>. What is larger is not kept, and that is no error.</summary>
    public long MaxEntryBytes { get; set; }

    /// <summary>Compresses responses where that pays; null, the default, keeps them as they are. Not in the configuration.</summary>
    public IPageCodec? Codec { get; set; }

    /// <summary>Checks every option.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range; the message names it, its value and the range.</exception>
    public void Validate() => NativeMmOptionTable.Validate(NativeMmOptionTable.OutputCache, new NativeMmOptions { OutputCache = this });
}
