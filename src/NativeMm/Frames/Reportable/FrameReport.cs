using System.Globalization;
using System.Text;
using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <summary>Listings of a zone's frames in the shape of Linux's <c>buddyinfo</c>, <c>extfrag_index</c> and <c>zoneinfo</c>.</summary>
public static class FrameReport
{
    /// <summary>One line of <c>buddyinfo</c>: the number of free blocks of order 0, 1, 2 and so on.</summary>
    /// <param name="kind">Names the zone.</param>
    /// <param name="statistics">Its counts.</param>
    /// <returns>The line, without a line break.</returns>
    /// <exception cref="ArgumentNullException">The figures are null.</exception>
    public static string BuddyInfo(ZoneKind kind, FrameStatistics statistics)
    {
        ArgumentNullException.ThrowIfNull(statistics);
        StringBuilder text = Begin(kind);
        foreach (ulong blocks in statistics.FreeBlocks)
        {
            text.Append(CultureInfo.InvariantCulture, $" {blocks,6}");
        }

        return text.ToString();
    }

    /// <summary>One line of <c>extfrag_index</c>: the fragmentation index of order 0, 1, 2 and so on.</summary>
    /// <param name="kind">Names the zone.</param>
    /// <param name="statistics">Its counts.</param>
    /// <returns>The line, without a line break.</returns>
    /// <exception cref="ArgumentNullException">The figures are null.</exception>
    public static string FragmentationIndex(ZoneKind kind, FrameStatistics statistics)
    {
        ArgumentNullException.ThrowIfNull(statistics);
        return Line(kind, statistics.FragmentationIndex);
    }

    /// <summary>One line of <c>unusable_index</c>: the share of free memory that is useless to order 0, 1, 2 and so on.</summary>
    /// <param name="kind">Names the zone.</param>
    /// <param name="statistics">Its counts.</param>
    /// <returns>The line, without a line break.</returns>
    /// <exception cref="ArgumentNullException">The figures are null.</exception>
    public static string UnusableIndex(ZoneKind kind, FrameStatistics statistics)
    {
        ArgumentNullException.ThrowIfNull(statistics);
        return Line(kind, statistics.UnusableIndex);
    }

    /// <summary>Everything about a zone: where its frames are, its watermarks, its free blocks and how fragmented they are.</summary>
    /// <param name="allocator">The zone's allocator.</param>
    /// <returns>Several lines.</returns>
    /// <exception cref="ArgumentNullException">The allocator is null.</exception>
    public static string Describe(IFrameAllocator allocator)
    {
        ArgumentNullException.ThrowIfNull(allocator);
        ZoneKind kind = allocator.Zone.Kind;
        FrameStatistics now = allocator.GetStatistics();
        var marks = Watermarks.For(now.ManagedFrames);
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"Zone {kind}, frames of {Pfn.FrameBytes >> 10} KiB");
        Row("managed", now.ManagedFrames);
        Row("free", now.FreeFrames);
        Row("per-core", now.PerCoreFrames);
        Row("allocated", now.AllocatedFrames);
        Row("isolated", now.IsolatedFrames);
        Row("reported", now.ReportedFrames);
        Row("min", marks.Min);
        Row("low", marks.Low);
        Row("high", marks.High);
        text.AppendLine(BuddyInfo(kind, now)).AppendLine(FragmentationIndex(kind, now)).Append(UnusableIndex(kind, now));
        return text.ToString();

        void Row(string name, ulong frames) => text.AppendLine(CultureInfo.InvariantCulture, $"  {name,-10} {frames,12}");
    }

    private static string Line(ZoneKind kind, Func<Order, double> index)
    {
        StringBuilder text = Begin(kind);
        for (int order = 0; order < Order.Count; order++)
        {
            text.Append(CultureInfo.InvariantCulture, $" {index(new Order(order)),6:0.000}");
        }

        return text.ToString();
    }

    private static StringBuilder Begin(ZoneKind kind) => new StringBuilder().Append(CultureInfo.InvariantCulture, $"Zone {kind,8}");
}
