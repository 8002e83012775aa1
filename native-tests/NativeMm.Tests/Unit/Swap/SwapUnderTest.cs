using NativeMm.AddressSpaces;
using NativeMm.Buffers;
using NativeMm.Platform;
using NativeMm.Runtime;
using NativeMm.Tests.Support;

namespace NativeMm.Tests.Unit.Swap;

/// <summary>Backends of each kind, by name.</summary>
internal static class SwapUnderTest
{
    public const long PagesMax = 8192;

    public static ISwapBackend Make(string kind, MemoryRuntime runtime) => kind switch
    {
        "compressed" => Compressed(runtime),
        "file" => OnFile(),
        "disk" => new FileSwap(Disk(), PagesMax, SystemPlatform.Current),
        "tiered" => new TieredSwap(Compressed(runtime, bytesMax: 3072), OnFile()),
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "No such backend."),
    };

    public static CompressedSwap Compressed(MemoryRuntime runtime, long budgetBytes = 0, int bytesMax = 4096) =>
        new(runtime, PageCodecs.Default, budgetBytes, PagesMax, bytesMax);

    public static FileSwap OnFile() => new(new FaultyBackingFile(), PagesMax, SystemPlatform.Current);

    private static IBackingFile Disk()
    {
        string path = Path.Combine(Path.GetTempPath(), $"nativemm-{Guid.NewGuid():N}.swap");
        PlatformResult result = BackingFile.Create(path, out IBackingFile? file);
        return file ?? throw new InvalidOperationException($"{path}: {result}");
    }
}
