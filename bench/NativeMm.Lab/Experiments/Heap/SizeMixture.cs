using System.Globalization;

namespace NativeMm.Lab.Experiments.Heap;

/// <summary>
/// What <c>--set sizes</c> names: sizes as services have them, or exactly so many size classes in use. The classes lie evenly on a ladder of 64
/// steps from 16 bytes to 16 KiB (steps of 16 bytes up to 256, from there eight a doubling), so that few and many of them span the same range
/// and touch about as much memory: only their number differs.
/// </summary>
internal static class SizeMixture
{
    /// <summary>Sizes as services have them.</summary>
    public const string LogNormal = "log-normal";

    /// <summary>Classes of the whole ladder.</summary>
    public const int ClassesMax = 64;

    private const int Seed = 0x737a;
    private const int Unit = 16;
    private const int StepsPerDoubling = 8;

    /// <summary>The canonical text of a value, or null when it is bad.</summary>
    public static string? Normalize(string value)
    {
        bool isCount = int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int classes) && classes is >= 1 and <= ClassesMax;
        return value == LogNormal ? value : isCount ? classes.ToString(CultureInfo.InvariantCulture) : null;
    }

    /// <summary>For a thread, the sizes of a replacement table.</summary>
    /// <param name="value">What <see cref="Normalize"/> gave.</param>
    public static Func<int, int[]> Of(string value) => value == LogNormal
        ? ReplacementTables.MixedSizes
        : thread => Even(int.Parse(value, CultureInfo.InvariantCulture), thread);

    /// <summary>The sizes of so many classes, ascending: the middle one of each equal part of the ladder.</summary>
    public static int[] Classes(int count) => [.. Enumerable.Range(0, count).Select(i => SizeOf(((2 * i) + 1) * ClassesMax / (2 * count)))];

    // Every class equally often, in any order: a draw for each entry would give some classes more than their share.
    private static int[] Even(int count, int thread)
    {
        int[] classes = Classes(count);
        int[] sizes = [.. Enumerable.Range(0, ReplacementTables.Length).Select(i => classes[i % count])];
        new Random(Seed + thread).Shuffle(sizes);
        return sizes;
    }

    private static int SizeOf(int step)
    {
        int doubling = Math.Max((step / StepsPerDoubling) - 1, 0);
        return ((step - (doubling * StepsPerDoubling) + 1) * Unit) << doubling;
    }
}
