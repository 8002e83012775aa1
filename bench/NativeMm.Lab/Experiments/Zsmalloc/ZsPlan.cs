using System.Globalization;
using NativeMm.Lab.Harness;

namespace NativeMm.Lab.Experiments.Zsmalloc;

/// <summary>How large the experiment is.</summary>
/// <param name="SlotsPerWorker">Objects of a worker at most.</param>
/// <param name="AccountedOperations">Calls of each worker while the locks keep their account: a fixed amount of work, so that totals can be compared.</param>
/// <param name="StoredCopies">How often the pages are stored for their density.</param>
/// <param name="FragmentedObjects">Objects that are made before 70 % of them are freed and the rest is compacted.</param>
/// <param name="CompactionRounds">How often that is done.</param>
internal sealed record ZsPlan(int SlotsPerWorker, int AccountedOperations, int StoredCopies, int FragmentedObjects, int CompactionRounds)
{
    /// <summary>As the bars want it.</summary>
    public static readonly ZsPlan Full = new(16_384, 1_000_000, 64, 262_144, 5);

    /// <summary>A smaller one for the tour.</summary>
    public static readonly ZsPlan Small = new(4_096, 100_000, 16, 32_768, 3);

    /// <summary>The plan of a request.</summary>
    public static ZsPlan Of(MeasurementRequest request) => request.Quick ? Small : Full;

    /// <summary>The number of compactors of a request.</summary>
    public static int CompactorsOf(MeasurementRequest request) => int.Parse(request.Parameters["compactors"]!, CultureInfo.InvariantCulture);
}
