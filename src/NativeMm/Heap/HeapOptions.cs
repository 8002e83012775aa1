using NativeMm.Heap.Checked;
using NativeMm.Heap.Profile;
using NativeMm.Heap.Sampled;
using NativeMm.Platform;
using NativeMm.Teardown;

namespace NativeMm.Heap;

/// <summary>What one heap is made with.</summary>
internal sealed record HeapOptions
{
    /// <summary>The heap's name in messages and listings.</summary>
    public string Name { get; init; } = "shared";

    /// <summary>Most bytes of freed large blocks that are kept mapped for reuse.</summary>
    public ulong LargeRetainBytesMax { get; init; } = 4UL << 30;

    /// <summary>Most bytes of them that are kept as they are; what is kept beyond is the system's to take when it lacks memory.</summary>
    public ulong LargeRetainTouchedBytesMax { get; init; } = ulong.MaxValue;

    /// <summary>Most bytes by which the magazines of one thread may outgrow what they had at first.</summary>
    public ulong ThreadCacheBytesMax { get; init; } = 64 << 20;

    /// <summary>The checked mode.</summary>
    public CheckedOptions Checked { get; init; } = new();

    /// <summary>The profile of the runtime; null for none. A heap in checked mode has none.</summary>
    public HeapProfile? Profile { get; init; }

    /// <summary>Sampled guards.</summary>
    public SampledOptions Sampled { get; init; } = new();

    /// <summary>Who gives much memory back at once; null for the heap alone, in one go.</summary>
    public PageRelease? Pages { get; init; }

    /// <summary>Who is asked for room before a large block is mapped; null for nobody.</summary>
    public IRoomKeeper? Room { get; init; }
}
