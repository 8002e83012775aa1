using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using NativeMm.Diagnostics;
using NativeMm.Runtime;
using NativeMm.Zsmalloc;

namespace NativeMm.Extensions;

/// <summary>The state as plain text, in the shapes of the files that the kernel has for its own.</summary>
internal static class LivePageTexts
{
    /// <summary>The text of a name; null if there is no such text.</summary>
    public static string? Make(string name, IEnumerable<MemoryRuntime> runtimes) => name switch
    {
        "buddyinfo" => Join(runtimes, BuddyInfo),
        "vmallocinfo" => Join(runtimes, VmallocInfo),
        "zsmalloc" => Join(runtimes, Zsmalloc),
        "lock_stat" => LockStat(runtimes),
        _ => null,
    };

    /// <summary>The figures of a pool, unless it ended a moment ago.</summary>
    public static bool TryCount(ZsPool pool, [NotNullWhen(true)] out ZsPoolStatistics? now)
    {
        try
        {
            now = pool.GetStatistics();
            return true;
        }
        catch (ObjectDisposedException)
        {
            now = null;
            return false;
        }
    }

    /// <summary>A name as one word: whoever reads the text takes it apart by lines and spaces.</summary>
    private static string Word(string name) => string.Concat(name.Select(static one => char.IsControl(one) || char.IsWhiteSpace(one) ? '_' : one));

    private static string Join(IEnumerable<MemoryRuntime> runtimes, Action<StringBuilder, MemoryRuntime> write)
    {
        var text = new StringBuilder();
        foreach (MemoryRuntime runtime in runtimes)
        {
            write(text, runtime);
        }

        return text.ToString();
    }

    /// <summary><c>Node 0, zone   Normal   1 0 3 …</c>: free blocks of each order.</summary>
    private static void BuddyInfo(StringBuilder text, MemoryRuntime runtime)
    {
        RuntimeStatistics now = runtime.GetStatistics(withSpaces: false);
        Line(runtime.Heap.Name, now.Zone.FreeBlocks);
        if (now.Vmap is { } vmap)
        {
            Line($"{runtime.Heap.Name}/vmap", vmap.Frames.FreeBlocks);
        }

        void Line(string zone, IReadOnlyList<ulong> blocks)
        {
            text.Append(CultureInfo.InvariantCulture, $"Node 0, zone {Word(zone),8} ");
            foreach (ulong count in blocks)
            {
                text.Append(CultureInfo.InvariantCulture, $"{count,6} ");
            }

            text.Append('\n');
        }
    }

    private static void VmallocInfo(StringBuilder text, MemoryRuntime runtime)
    {
        if (runtime.VmapIfUsed is { } vmap)
        {
            using var writer = new StringWriter(text, CultureInfo.InvariantCulture) { NewLine = "\n" };
            vmap.WriteAreas(writer);
        }
    }

    /// <summary>The columns of <c>/sys/kernel/debug/zsmalloc/*/classes</c>.</summary>
    private static void Zsmalloc(StringBuilder text, MemoryRuntime runtime)
    {
        foreach (ZsPool pool in runtime.Pools())
        {
            IReadOnlyList<ZsClassStatistics> classes;
            try
            {
                classes = pool.GetClassStatistics();
            }
            catch (ObjectDisposedException)
            {
                continue;
            }

            text.Append(Word(pool.Options.Name)).Append('\n');
            text.Append(" class  size       10%       20%       30%       40%       50%       60%       70%       80%       90%       99%      100% ")
                .Append("obj_allocated   obj_used pages_used pages_per_zspage freeable\n");
            foreach (ZsClassStatistics row in classes.Where(row => row.Zspages != 0))
            {
                text.Append(CultureInfo.InvariantCulture, $" {row.Index,5} {row.SizeBytes,5} ");
                foreach (int zspages in row.Groups.Skip(1))
                {
                    text.Append(CultureInfo.InvariantCulture, $"{zspages,9} ");
                }

                text.Append(
                    CultureInfo.InvariantCulture,
                    $"{row.ObjectsAllocated,13} {row.ObjectsUsed,10} {row.Frames,10} {row.FramesPerZspage,16} {row.FreeableFrames,8}\n");
            }
        }
    }

    /// <summary>Locks that record times in full; those of the heap's classes count only how often they were taken, and how often that meant waiting.</summary>
    private static string LockStat(IEnumerable<MemoryRuntime> runtimes)
    {
        var none = new LockTimesSnapshot(0, 0, 0, 0);
        var rows = new List<LockStatisticsSnapshot>();
        foreach (MemoryRuntime runtime in runtimes)
        {
            RuntimeStatistics now = runtime.GetStatistics(withSpaces: false);
            rows.AddRange(
                from heap in now.Heaps
                from row in heap.Classes
                select new LockStatisticsSnapshot
                {
                    Name = string.Create(CultureInfo.InvariantCulture, $"{Word(heap.Name)}-{row.BlockBytes}"),
                    Acquisitions = row.LockAcquisitions,
                    AcquisitionBounces = 0,
                    Contentions = row.LockContentions,
                    ContentionBounces = 0,
                    Wait = none,
                    Hold = none,
                });
            if (now.Vmap?.FreeSpaceLock is { } free)
            {
                rows.Add(free);
            }

            foreach (ZsPool pool in runtime.Pools())
            {
                try
                {
                    rows.AddRange(pool.GetLockStatistics().Select(static row => row with { Name = Word(row.Name) }));
                }
                catch (ObjectDisposedException)
                {
                    // It ended a moment ago.
                }
            }
        }

        return LockStatisticsTable.Format(rows);
    }
}
