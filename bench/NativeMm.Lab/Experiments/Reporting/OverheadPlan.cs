using NativeMm.Primitives;

namespace NativeMm.Lab.Experiments.Reporting;

/// <summary>How large the churn is and how long it is watched.</summary>
/// <param name="Window">Blocks of 2 MiB that a thread takes, writes and puts back.</param>
/// <param name="Delay">The reporter's delay; everything else is its default.</param>
/// <param name="Lead">Time before the clock runs: the compiler is done, and the reporter has begun to make passes.</param>
/// <param name="Watch">
/// Time on the clock. All of it counts, not the best piece as elsewhere: passes come a few times a second, and the best piece is one without.
/// </param>
internal sealed record OverheadPlan(int Window, TimeSpan Delay, TimeSpan Lead, TimeSpan Watch)
{
    /// <summary>As the bar wants it: 128 MiB a thread, as in will-it-scale's page_fault1, and the default delay.</summary>
    public static readonly OverheadPlan Full = new(64, TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(5));

    /// <summary>A shorter one for the tour.</summary>
    public static readonly OverheadPlan Small = new(16, TimeSpan.FromSeconds(0.5), TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));

    // Room for the shuffled windows, which are twice as large, and as much again that stays free.
    private const int WindowsPerThread = 4;

    /// <summary>Bytes of the zone.</summary>
    public ulong ZoneBytes(int threads) => (ulong)threads * WindowsPerThread * (ulong)Window * Order.Huge.Bytes;
}
