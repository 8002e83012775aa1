using System.Numerics;
using NativeMm.Lab.Harness;
using NativeMm.Platform;

namespace NativeMm.Lab.Experiments.Vmalloc;

/// <summary>
/// How much the tests keep allocated on each thread. The figures are the kernel's; but a process may have only so many mappings, and an area
/// in use may need two of them, so that all threads together keep at most a quarter of that number.
/// </summary>
/// <param name="JunkPairs">Pairs of one-page areas of full_fit_alloc.</param>
/// <param name="BusyAreas">Areas that stay busy in long_busy_list_alloc.</param>
/// <param name="PerCoreObjects">Objects of pcpu_alloc.</param>
internal sealed record TestSizes(int JunkPairs, int BusyAreas, int PerCoreObjects)
{
    private const int JunkPairsForEachBit = 8192;
    private const int BusyAreasWanted = 15_000;
    private const int PerCoreObjectsWanted = 35_000;
    private const int MappingsShare = 4;
    private const int MappingsDefault = 65_530;
    private const int QuickShare = 16;

    /// <summary>The sizes for a launch.</summary>
    public static TestSizes Of(MeasurementRequest request) =>
        Of(request.Case.Threads, CorePlan.Cores, MappingsMax, request.Quick);

    /// <summary>The sizes for a number of threads, on a machine with so many cores and with so many mappings.</summary>
    internal static TestSizes Of(int threads, int cores, int mappings, bool quick)
    {
        int share = Math.Max(2, mappings / MappingsShare / threads);
        int junkPairs = (BitOperations.Log2((uint)cores) + 1) * JunkPairsForEachBit;
        return new TestSizes(Fit(junkPairs, share / 2), Fit(BusyAreasWanted, share), Fit(PerCoreObjectsWanted, share));

        int Fit(int wanted, int most) => Math.Max(1, Math.Min(wanted, most) / (quick ? QuickShare : 1));
    }

    private static int MappingsMax => SystemPlatform.Current.MappingsMax is > 0 and int most ? most : MappingsDefault;
}
