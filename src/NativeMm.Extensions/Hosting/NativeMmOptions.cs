using NativeMm.Buffers;
using NativeMm.Heap.Checked;
using NativeMm.Heap.Sampled;
using NativeMm.Platform;
using NativeMm.Runtime;

namespace NativeMm.Extensions;

/// <summary>
/// What <c>services.AddNativeMm</c> makes. Every option can be set in the configuration, in the section <c>NativeMm</c>, by its name; the code has the last
/// word. What is out of its range, or unknown, stops the start of the host.
/// </summary>
public sealed class NativeMmOptions
{
    /// <summary>Name of the section of the configuration.</summary>
    public const string SectionName = "NativeMm";

    /// <summary>The name of the runtime in messages, metrics and on the live page. Default service.</summary>
    public string Name { get; set; } = "service";

    /// <inheritdoc cref="MemoryRuntimeOptions.CapacityBytes"/>
    public ulong CapacityBytes { get; set; }

    /// <inheritdoc cref="MemoryRuntimeOptions.FrameAllocator"/>
    public FrameAllocatorKind FrameAllocator { get; set; } = FrameAllocatorKind.LockFree;

    /// <inheritdoc cref="MemoryRuntimeOptions.BackgroundTrim"/>
    public bool BackgroundTrim { get; set; } = true;

    /// <inheritdoc cref="MemoryRuntimeOptions.PurgeDelay"/>
    public TimeSpan PurgeDelay { get; set; } = TimeSpan.FromSeconds(1);

    /// <inheritdoc cref="MemoryRuntimeOptions.LargeRetainBytesMax"/>
    public ulong LargeRetainBytesMax { get; set; } = 4UL << 30;

    /// <inheritdoc cref="MemoryRuntimeOptions.ThreadCacheBytesMax"/>
    public ulong ThreadCacheBytesMax { get; set; } = 64UL << 20;

    /// <inheritdoc cref="MemoryRuntimeOptions.HugePages"/>
    public bool HugePages { get; set; }

    /// <summary>Whether the runtime's heaps and Kestrel's pool run in checked mode; null, the default, leaves it to <c>NATIVEMM_CHECKED</c>.</summary>
    public bool? Checked { get; set; }

    /// <summary>Whether some allocations are guarded; null, the default, leaves it to <c>NATIVEMM_SAMPLED</c>.</summary>
    public bool? Sampled { get; set; }

    /// <inheritdoc cref="MemoryRuntimeOptions.HeapProfile"/>
    public bool HeapProfile { get; set; }

    /// <inheritdoc cref="MemoryRuntimeOptions.HeapProfileIntervalBytes"/>
    public ulong HeapProfileIntervalBytes { get; set; } = 512 << 10;

    /// <summary>
    /// One limit for managed and native memory together, such as <c>MemoryLimit.FromShare(0.9)</c> of the container, or <c>90%</c> in the configuration: the
    /// boundary between the garbage collector and native memory moves by demand (<see cref="MemoryBudget"/>). From 128 MiB on. Null, the default, leaves the
    /// garbage collector alone.
    /// </summary>
    public MemoryLimit? TotalMemoryLimit { get; set; }

    /// <summary>Kestrel's pool, where <see cref="Microsoft.Extensions.DependencyInjection.NativeMmBuilder.AddKestrelPool"/> asked for it.</summary>
    public BufferPoolOptions KestrelPool { get; set; } = new();

    /// <summary>
    /// The cache, where <see cref="Microsoft.Extensions.DependencyInjection.NativeMmCacheServiceCollectionExtensions.AddNativeMmDistributedCache"/> asked for it.
    /// </summary>
    public NativeDistributedCacheOptions DistributedCache { get; set; } = new();

    /// <summary>
    /// The store of output caching, where <see cref="Microsoft.Extensions.DependencyInjection.NativeMmCacheServiceCollectionExtensions.AddNativeMmOutputCache"/>
    /// asked for it.
    /// </summary>
    public NativeOutputCacheOptions OutputCache { get; set; } = new();

    /// <summary>Changes what the runtime is made with, for options that are not here. Not in the configuration.</summary>
    public Func<MemoryRuntimeOptions, MemoryRuntimeOptions>? ConfigureRuntime { get; set; }

    /// <summary>What the runtime is made with.</summary>
    internal MemoryRuntimeOptions ToRuntimeOptions()
    {
        var options = new MemoryRuntimeOptions
        {
            Name = Name,
            CapacityBytes = CapacityBytes != 0 || TotalMemoryLimit is null ? CapacityBytes : CapacityOfBudget(),
            FrameAllocator = FrameAllocator,
            BackgroundTrim = BackgroundTrim,
            PurgeDelay = PurgeDelay,
            LargeRetainBytesMax = LargeRetainBytesMax,
            ThreadCacheBytesMax = ThreadCacheBytesMax,
            HugePages = HugePages,
            HeapProfile = HeapProfile,
            HeapProfileIntervalBytes = HeapProfileIntervalBytes,
            Checked = Checked is { } isChecked ? CheckedOptions.FromEnvironment() with { Enabled = isChecked } : CheckedOptions.FromEnvironment(),
            Sampled = Sampled is { } isSampled ? SampledOptions.FromEnvironment() with { Enabled = isSampled } : SampledOptions.FromEnvironment(),
        };
        return ConfigureRuntime?.Invoke(options) ?? options;
    }

    /// <summary>What the limit comes to on this system; 0 without one.</summary>
    internal long TotalMemoryBytes => TotalMemoryLimit is { } limit ? limit.Resolve(MemoryShares.ReadLimit(SystemFiles.Real)) : 0;

    /// <summary>Whichever side needs it may take nearly all; the budget moves the boundary, so no fixed share stands in the way.</summary>
    private ulong CapacityOfBudget() =>
        ulong.Clamp((ulong)TotalMemoryBytes, MemoryRuntimeOptions.CapacityBytesMin, MemoryRuntimeOptions.CapacityBytesMax);

    /// <summary>What Kestrel's pool is made with.</summary>
    internal BufferPoolOptions ToPoolOptions() => Checked is { } isChecked ? KestrelPool with { Checked = isChecked } : KestrelPool;
}
