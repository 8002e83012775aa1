using NativeMm.Heap.Checked;
using NativeMm.Heap.Sampled;
using NativeMm.Reporting;
using NativeMm.Teardown;
using NativeMm.Vmap;

namespace NativeMm.Runtime;

/// <summary>What a <see cref="MemoryRuntime"/> is made with. docs/tuning.md says what each option does to speed and memory.</summary>
public sealed record MemoryRuntimeOptions
{
    /// <summary>Smallest capacity that makes sense: 64 MiB.</summary>
    public const ulong CapacityBytesMin = 64UL << 20;

    /// <summary>Largest capacity: 8 TiB.</summary>
    public const ulong CapacityBytesMax = 8UL << 40;

    /// <summary>
    /// Name of a runtime of one's own and of its first heap, in messages, listings and metrics (tag <c>nativemm.runtime</c>); not empty. Default
    /// runtime. The shared one is always called shared.
    /// </summary>
    public string Name { get; init; } = "runtime";

    /// <summary>
    /// Bytes of the zone that small and medium blocks come from. It is address space, not memory. 0, the default, takes the limit of the
    /// container, or the machine's memory.
    /// </summary>
    public ulong CapacityBytes { get; init; }

    /// <summary>Which frame allocator. Default <see cref="FrameAllocatorKind.LockFree"/>.</summary>
    public FrameAllocatorKind FrameAllocator { get; init; } = FrameAllocatorKind.LockFree;

    /// <summary>Whether a background thread gives unused memory back. Default true.</summary>
    public bool BackgroundTrim { get; init; } = true;

    /// <summary>
    /// The beat of giving memory back: 10 ms to 1 h. Freed blocks above 2 MiB stay mapped for so long, and a quarter more at most. Smaller ones that lay
    /// unused between two looks at the heaps, which are a quarter of it apart, become free frames, which <see cref="Reporting"/> then gives back: a
    /// quarter to half of the delay after their last use, pages inside slabs that are partly in use up to three quarters. Default 1 s.
    /// </summary>
    public TimeSpan PurgeDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Most bytes of freed blocks above 2 MiB that stay mapped for reuse until <see cref="PurgeDelay"/> is over, for each heap. Default 4 GiB. Above 256 MiB they stay only as far as a heap
    /// then holds no more, in use and kept, than was in use at once a moment ago. A quarter of what native memory may take of the container's limit or of the machine is the
    /// most that a heap keeps, whatever this says; what is kept beyond an eighth of it, the system may take when it lacks memory.
    /// </summary>
    public ulong LargeRetainBytesMax { get; init; } = 4UL << 30;

    /// <summary>
    /// Most bytes by which the free blocks that one thread keeps may outgrow the first few of each size. They are earned by use and given back
    /// when they rest for a purge delay. Default 64 MiB.
    /// </summary>
    public ulong ThreadCacheBytesMax { get; init; } = 64UL << 20;

    /// <summary>Whether to ask for huge pages behind the zone: fewer page faults and TLB misses, more resident memory. Default false.</summary>
    public bool HugePages { get; init; }

    /// <summary>
    /// What free memory goes back to the operating system, when and how fast. It holds for <see cref="MemoryRuntime.Vmap"/> too, unless
    /// <see cref="VmapOptions.Reporting"/> says otherwise.
    /// </summary>
    public PageReporterOptions Reporting { get; init; } = new();

    /// <summary>
    /// What <see cref="MemoryRuntime.Vmap"/> is made with, when it is used for the first time: the zone of frames that can be mapped more than once, and
    /// what becomes of freed ranges.
    /// </summary>
    public VmapOptions Vmap { get; init; } = new();

    /// <summary>How much memory is given back at once, and by how many threads.</summary>
    public TeardownOptions Teardown { get; init; } = new();

    /// <summary>The checked mode of the runtime's heaps. What is not set in it, the environment says.</summary>
    public CheckedOptions Checked { get; init; } = new();

    /// <summary>Sampled guards of the runtime's heaps: finds misuse of memory in production. What is not set in it, the environment says.</summary>
    public SampledOptions Sampled { get; init; } = new();

    /// <summary>
    /// Whether a sample of the allocations is kept for <see cref="MemoryRuntime.WriteHeapProfile"/>. Default false. Heaps in checked mode are left out.
    /// </summary>
    public bool HeapProfile { get; init; }

    /// <summary>
    /// With <see cref="HeapProfile"/>, the bytes of allocations from one sample to the next, on average: 4 KiB to 1 GiB. Where samples would take more than a
    /// hundredth of the time they are fewer, and each stands for more. Default 512 KiB.
    /// </summary>
    public ulong HeapProfileIntervalBytes { get; init; } = 512 << 10;

    /// <summary>Most time that the samples of the profile may take, in percent of one thread's; 100 for no bound.</summary>
    internal int HeapProfileTimePercentMax { get; init; } = 1;

    /// <summary>Native memory's share of the limit that holds for the process, in bytes: from there on large blocks make room; 0 for what the system says.</summary>
    internal ulong NativeShareBytes { get; init; }

    /// <summary>With <see cref="NativeShareBytes"/>, what the process may have before idle memory and garbage go, in bytes; 0 for no bound.</summary>
    internal ulong ProcessBytesMax { get; init; }

    /// <summary>
    /// The defaults, with what the environment says of the checked mode and the sampled guards at this moment. Options that are not set come from the
    /// environment anyhow, as it was when they were first needed.
    /// </summary>
    /// <returns>New options, which <c>with</c> changes further.</returns>
    /// <exception cref="FormatException">An environment variable has a value that is not understood.</exception>
    public static MemoryRuntimeOptions FromEnvironment() =>
        new() { Checked = CheckedOptions.FromEnvironment(), Sampled = SampledOptions.FromEnvironment() };

    /// <summary>Checks every option.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range; the message names it, its value and the range.</exception>
    /// <exception cref="ArgumentNullException">A group of options is null; the message names it.</exception>
    /// <exception cref="FormatException">A variable that is to set an option has a value that is not understood.</exception>
    /// <exception cref="ArgumentException"><see cref="Name"/> is empty.</exception>
    public void Validate()
    {
        ArgumentNullException.ThrowIfNull(Name);
        if (string.IsNullOrWhiteSpace(Name))
        {
            throw new ArgumentException("Name is any text but an empty one.", nameof(Name));
        }

        if (CapacityBytes is not 0 and (< CapacityBytesMin or > CapacityBytesMax))
        {
            throw new ArgumentOutOfRangeException(
                nameof(CapacityBytes), CapacityBytes, $"CapacityBytes is 0 (automatic) or {CapacityBytesMin} to {CapacityBytesMax}, not {CapacityBytes}.");
        }

        if (FrameAllocator is not (FrameAllocatorKind.LockFree or FrameAllocatorKind.Buddy))
        {
            throw new ArgumentOutOfRangeException(nameof(FrameAllocator), FrameAllocator, $"FrameAllocator is LockFree or Buddy, not {FrameAllocator}.");
        }

        if (PurgeDelay < TimeSpan.FromMilliseconds(10) || PurgeDelay > TimeSpan.FromHours(1))
        {
            throw new ArgumentOutOfRangeException(nameof(PurgeDelay), PurgeDelay, $"PurgeDelay is 10 ms to 1 h, not {PurgeDelay}.");
        }

        if (HeapProfileIntervalBytes is < (4UL << 10) or > (1UL << 30))
        {
            throw new ArgumentOutOfRangeException(
                nameof(HeapProfileIntervalBytes), HeapProfileIntervalBytes, $"HeapProfileIntervalBytes is 4096 to {1UL << 30}, not {HeapProfileIntervalBytes}.");
        }

        ArgumentNullException.ThrowIfNull(Reporting);
        ArgumentNullException.ThrowIfNull(Vmap);
        ArgumentNullException.ThrowIfNull(Teardown);
        ArgumentNullException.ThrowIfNull(Checked);
        ArgumentNullException.ThrowIfNull(Sampled);
        Reporting.Validate();
        Vmap.Validate();
        Teardown.Validate();
        Checked.Validate();
        Sampled.Validate();
    }
}
