using NativeMm.Buffers;

namespace NativeMm.Extensions;

/// <summary>
/// What <c>services.AddNativeMmDistributedCache</c> makes. Every option but the codec can be set in the configuration, in the section
/// <c>NativeMm:DistributedCache</c>, by its name; the code has the last word.
/// </summary>
public sealed class NativeDistributedCacheOptions
{
    /// <summary>The cache's name in metrics (tag <c>cache.name</c>) and messages. Default distributed.</summary>
    public string Name { get; set; } = "distributed";

    /// <summary>
    /// What the cache may take, in bytes, everything counted: values, keys, index, headers, fragmentation. From 1 MiB on. Default 256 MiB. What does not
    /// fit makes others go.
    /// </summary>
    public long SizeLimit { get; set; } = 256L << 20;

    /// <summary>
    /// Most bytes of key and value of one entry. 0, the default, for a quarter of <see cref="SizeLimit"/>. What is larger is not kept, and that is no error:
    /// with a second tier it lives there alone.
    /// </summary>
    public long MaxEntryBytes { get; set; }

    /// <summary>How long an entry lives that is set without an expiration, 1 ms and more; null, the default, is until it is removed or must go.</summary>
    public TimeSpan? DefaultExpiration { get; set; }

    /// <summary>Compresses values where that pays; null, the default, keeps them as they are. Not in the configuration.</summary>
    public IPageCodec? Codec { get; set; }

    /// <summary>
    /// With a second tier: how long a copy in this process answers without asking the tier, 0 to 1 day. That is how long another machine's write may stay
    /// unseen here. Default 1 minute. A copy outlives it while the tier does not answer.
    /// </summary>
    public TimeSpan LocalExpiration { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>How long a call of the second tier may take before it counts as failed, 1 ms to 1 minute. Default 500 ms.</summary>
    public TimeSpan SecondTierTimeout { get; set; } = TimeSpan.FromMilliseconds(500);

    /// <summary>So many failed calls in a row open the circuit: the second tier is left alone for a while. 1 to 1,000,000. Default 5.</summary>
    public int CircuitFailures { get; set; } = 5;

    /// <summary>How long the circuit stays open before one call, and no other, tries the second tier again: 1 ms to 1 h. Default 5 s.</summary>
    public TimeSpan CircuitDuration { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Checks every option.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range; the message names it, its value and the range.</exception>
    public void Validate() => NativeMmOptionTable.Validate(NativeMmOptionTable.DistributedCache, new NativeMmOptions { DistributedCache = this });
}
