namespace NativeMm.Lab.Experiments.Idle;

/// <summary>How large the experiment is.</summary>
/// <param name="LiveBytes">Bytes that stay allocated all the time.</param>
/// <param name="BurstBytes">Bytes that are allocated on top and freed.</param>
/// <param name="Watch">How long the process is watched afterwards.</param>
internal sealed record IdlePlan(ulong LiveBytes, ulong BurstBytes, TimeSpan Watch)
{
    /// <summary>As the bar wants it.</summary>
    public static readonly IdlePlan Full = new(256UL << 20, 1UL << 30, TimeSpan.FromSeconds(10));

    /// <summary>A smaller one for the tour.</summary>
    public static readonly IdlePlan Small = new(32UL << 20, 128UL << 20, TimeSpan.FromSeconds(6));

    /// <summary>A burst of 2 GiB of which 5 % stay.</summary>
    public static readonly IdlePlan Burst = OfBurst(2UL << 30, TimeSpan.FromSeconds(10));

    /// <summary>A smaller burst.</summary>
    public static readonly IdlePlan BurstSmall = OfBurst(256UL << 20, TimeSpan.FromSeconds(6));

    private const ulong LiveShare = 20;

    /// <summary>Whether what stays is allocated in between the rest, at random; otherwise before it.</summary>
    public bool IsMixed { get; init; }

    private static IdlePlan OfBurst(ulong bytes, TimeSpan watch) => new(bytes / LiveShare, bytes - (bytes / LiveShare), watch);
}
