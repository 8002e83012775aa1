using System.Globalization;
using System.Runtime.InteropServices;

namespace NativeMm.Platform;

/// <summary>What the process can know of the machine under it. Whatever the system does not tell is empty, 0 or null.</summary>
internal sealed record MachineTopology
{
    /// <summary>Name of the processor.</summary>
    public required string ModelName { get; init; }

    /// <summary>Release of the kernel, such as <c>6.1.0</c>.</summary>
    public required string KernelRelease { get; init; }

    /// <summary>Architecture of the process, such as <c>X64</c>.</summary>
    public required string Architecture { get; init; }

    /// <summary>Processors that are switched on.</summary>
    public required CoreSet CoresOnline { get; init; }

    /// <summary>Processors that the calling thread may run on.</summary>
    public required CoreSet CoresAllowed { get; init; }

    /// <summary>Every cache in front of the processors that are on, nearest first.</summary>
    public required IReadOnlyList<ProcessorCache> Caches { get; init; }

    /// <summary>Memory nodes.</summary>
    public required IReadOnlyList<NumaNode> NumaNodes { get; init; }

    /// <summary>The container's limits.</summary>
    public required ControlGroup Limits { get; init; }

    /// <summary>The machine's memory in bytes.</summary>
    public required ulong MemoryBytes { get; init; }

    /// <summary>Bytes of one hardware page.</summary>
    public required ulong PageBytes { get; init; }

    /// <summary>How many mappings a process may have (<c>vm.max_map_count</c>).</summary>
    public required long? MappingsMax { get; init; }

    /// <summary>Processors that the process can keep busy: those allowed, or fewer when a quota says so. At least 1.</summary>
    public double UsableCores => Math.Max(1, Math.Min(CoresAllowed.Count, Limits.CpuQuota ?? double.MaxValue));

    /// <summary>Memory that the process can have: the machine's, or the container's limit when that is lower.</summary>
    public ulong UsableMemoryBytes => Math.Min(MemoryBytes, Limits.MemoryBytesMax ?? ulong.MaxValue);

    /// <summary>Size in bytes of the first cache of that level which holds data, 0 if unknown.</summary>
    public ulong DataCacheBytes(int level) =>
        Caches.FirstOrDefault(cache => cache.Level == level && cache.Kind != CacheKind.Instruction)?.Bytes ?? 0;

    /// <summary>Reads the running system.</summary>
    public static MachineTopology Read() => Read(SystemFiles.Real);

    /// <summary>Reads from files; what only the process itself knows comes from it.</summary>
    internal static MachineTopology Read(SystemFiles files)
    {
        CoreSet online = ReadOnline(files);
        string? memory = SystemFiles.FindValue(files.ReadText("/proc/meminfo"), "MemTotal");
        return new MachineTopology
        {
            ModelName = ReadModelName(files),
            KernelRelease = files.ReadText("/proc/sys/kernel/osrelease") ?? Environment.OSVersion.Version.ToString(),
            Architecture = RuntimeInformation.ProcessArchitecture.ToString(),
            CoresOnline = online,
            CoresAllowed = ThreadAffinity.Get(out CoreSet allowed).Succeeded ? allowed : online,
            Caches = ProcessorCache.ReadAll(files, online),
            NumaNodes = NumaNode.ReadAll(files),
            Limits = ControlGroup.Read(files),
            MemoryBytes = SizeText.TryParse(memory, out ulong bytes) ? bytes : (ulong)GC.GetGCMemoryInfo().TotalAvailableMemoryBytes,
            PageBytes = (ulong)Environment.SystemPageSize,
            MappingsMax = long.TryParse(files.ReadText("/proc/sys/vm/max_map_count"), CultureInfo.InvariantCulture, out long mappings) ? mappings : null,
        };
    }

    private static CoreSet ReadOnline(SystemFiles files)
    {
        if (CoreSet.TryParse(files.ReadText("/sys/devices/system/cpu/online"), out CoreSet online) && online.Count > 0)
        {
            return online;
        }

        _ = CoreSet.TryParse(string.Create(CultureInfo.InvariantCulture, $"0-{Environment.ProcessorCount - 1}"), out online);
        return online;
    }

    private static string ReadModelName(SystemFiles files)
    {
        string? information = files.ReadText("/proc/cpuinfo");
        if (SystemFiles.FindValue(information, "model name") is { } name)
        {
            return name;
        }

        // arm64 has no name there, only numbers that identify the core's design.
        string? part = SystemFiles.FindValue(information, "CPU part");
        string? implementer = SystemFiles.FindValue(information, "CPU implementer");
        return part is null ? "unknown" : $"arm64 implementer {implementer ?? "?"} part {part}";
    }
}
