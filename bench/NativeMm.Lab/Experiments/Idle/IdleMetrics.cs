namespace NativeMm.Lab.Experiments.Idle;

/// <summary>What a watched process that went quiet tells, for every experiment that uses <see cref="IdleMeasurement"/>.</summary>
internal static class IdleMetrics
{
    /// <summary>The metrics.</summary>
    public static IReadOnlyList<MetricDefinition> Definitions { get; } =
    [
        new("rss_idle_excess", "%", "resident bytes above the base at the end, over the bytes of the live blocks", IsHeadline: true),
        new("rss_idle_excess_of_asked", "%", "the same over the bytes that were asked for, so that rounding up counts as excess"),
        new("seconds_to_5_percent", "s", "from the last free until the excess stays within 5 %; the whole time when it never does", IsHeadline: true),
        new("rss_idle", "By", "resident bytes above the base at the end"),
        new("rss_live", "By", "resident bytes above the base with the live set alone, before the burst; none when both are allocated in one sequence"),
        new("rss_burst", "By", "resident bytes above the base with the burst"),
        new("gc_collections", "1", "garbage collections between the last free and the end"),
    ];
}
