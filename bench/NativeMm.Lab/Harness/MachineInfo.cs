using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using NativeMm.Lab.Peers;
using NativeMm.Platform;

namespace NativeMm.Lab.Harness;

/// <summary>What a figure cannot be read without: machine, kernel, runtime, and the versions of everything compared.</summary>
/// <param name="Facts">Name and value, in order.</param>
internal sealed record MachineInfo(IReadOnlyList<KeyValuePair<string, string>> Facts)
{
    /// <summary>Asks the running system.</summary>
    public static MachineInfo Read()
    {
        MachineTopology machine = MachineTopology.Read();
        var facts = new List<KeyValuePair<string, string>>
        {
            new("processor", machine.ModelName),
            new("architecture", machine.Architecture),
            new("cores", string.Create(CultureInfo.InvariantCulture, $"{machine.CoresAllowed.Count} usable of {machine.CoresOnline.Count}")),
            new("caches", string.Join(", ", machine.Caches.Where(c => c.Kind != CacheKind.Instruction).DistinctBy(c => c.Level)
                .Select(c => string.Create(CultureInfo.InvariantCulture, $"L{c.Level} {c.Bytes >> 10} KiB")))),
            new("numa_nodes", machine.NumaNodes.Count.ToString(CultureInfo.InvariantCulture)),
            new("memory", string.Create(CultureInfo.InvariantCulture, $"{machine.UsableMemoryBytes >> 20} MiB")),
            new("kernel", machine.KernelRelease),
            new("system", RuntimeInformation.OSDescription),
            new("runtime", RuntimeInformation.FrameworkDescription),
            new("nativemm", typeof(Heap.NativeHeap).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown"),
            new("glibc", SystemLibrary.GlibcVersion ?? "none"),
            new("mimalloc", VersionOf(LibraryLocator.Mimalloc)),
            new("jemalloc", VersionOf(LibraryLocator.Jemalloc)),
            new("tcmalloc", VersionOf(LibraryLocator.Tcmalloc)),
            new("time", DateTimeOffset.UtcNow.ToString("u", CultureInfo.InvariantCulture)),
        };
        return new MachineInfo(facts);
    }

    private static string VersionOf(string? library) => library is null ? "none" : SystemLibrary.Describe(library);
}
