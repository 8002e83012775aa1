using System.Diagnostics.CodeAnalysis;
using NativeMm.Primitives;

namespace NativeMm.Platform;

/// <summary>One cache of the machine.</summary>
/// <param name="Level">1 is nearest to the core.</param>
/// <param name="Kind">What it holds.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="LineBytes">Size of a line, 0 if unknown.</param>
/// <param name="SharedBy">The processors in front of it.</param>
internal sealed record ProcessorCache(int Level, CacheKind Kind, ulong Bytes, int LineBytes, CoreSet SharedBy)
{
    /// <summary>All caches of the given processors, each once, nearest first.</summary>
    public static IReadOnlyList<ProcessorCache> ReadAll(SystemFiles files, CoreSet cores)
    {
        var caches = new HashSet<ProcessorCache>();
        foreach (CoreId core in cores.ToList())
        {
            string folder = $"/sys/devices/system/cpu/cpu{core}/cache";
            foreach (string index in files.ListNumbered(folder, "index"))
            {
                if (TryRead(files, $"{folder}/{index}", out ProcessorCache? cache))
                {
                    caches.Add(cache);
                }
            }
        }

        return [.. caches.OrderBy(cache => cache.Level).ThenBy(cache => cache.Kind).ThenBy(cache => cache.SharedBy.ToList()[0].Value)];
    }

    private static bool TryRead(SystemFiles files, string folder, [NotNullWhen(true)] out ProcessorCache? cache)
    {
        cache = null;
        if (!int.TryParse(files.ReadText($"{folder}/level"), out int level)
            || !Enum.TryParse(files.ReadText($"{folder}/type"), out CacheKind kind)
            || !SizeText.TryParse(files.ReadText($"{folder}/size"), out ulong bytes)
            || !CoreSet.TryParse(files.ReadText($"{folder}/shared_cpu_list"), out CoreSet sharedBy)
            || sharedBy.Count == 0)
        {
            return false;
        }

        _ = int.TryParse(files.ReadText($"{folder}/coherency_line_size"), out int lineBytes);
        cache = new ProcessorCache(level, kind, bytes, lineBytes, sharedBy);
        return true;
    }
}
