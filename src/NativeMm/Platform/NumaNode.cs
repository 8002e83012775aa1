namespace NativeMm.Platform;

/// <summary>Memory and the processors that are near to it.</summary>
/// <param name="Id">The system's number of the node.</param>
/// <param name="Cores">Its processors; empty for memory without any.</param>
/// <param name="MemoryBytes">Its memory, 0 if unknown.</param>
internal sealed record NumaNode(int Id, CoreSet Cores, ulong MemoryBytes)
{
    /// <summary>All nodes; none when the system does not tell.</summary>
    public static IReadOnlyList<NumaNode> ReadAll(SystemFiles files)
    {
        const string Folder = "/sys/devices/system/node";
        var nodes = new List<NumaNode>();
        foreach (string name in files.ListNumbered(Folder, "node"))
        {
            int id = int.Parse(name.AsSpan("node".Length), System.Globalization.CultureInfo.InvariantCulture);
            _ = CoreSet.TryParse(files.ReadText($"{Folder}/{name}/cpulist"), out CoreSet cores);
            string? total = SystemFiles.FindValue(files.ReadText($"{Folder}/{name}/meminfo"), $"Node {id} MemTotal");
            _ = SizeText.TryParse(total, out ulong bytes);
            nodes.Add(new NumaNode(id, cores, bytes));
        }

        return nodes;
    }
}
