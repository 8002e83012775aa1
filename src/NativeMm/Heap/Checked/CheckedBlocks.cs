using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Heap.Checked;

/// <summary>
/// The checked mode of one heap: a ledger of every block outside of the blocks, red zones around them, poison and quarantine after their
/// free. Mistakes come as <see cref="MemoryFaultException"/> with the mistake, the block and, when sampled, the stacks. Thread-safe, except
/// that nothing may run beside <see cref="Dispose"/>.
/// </summary>
/// <remarks>
/// A fault never loses memory or leaves a block between two states. A fault in the caller's own block is thrown after the call did its work
/// (<see cref="Free"/>) or before it began (<see cref="Realloc"/>); a late write into somebody's freed block is thrown by whichever call
/// finds it, under the same rule.
/// </remarks>
internal sealed unsafe partial class CheckedBlocks : IDisposable
{
    private const nuint AlignmentMin = 16;

    private readonly IRawHeap _raw;
    private readonly CheckedOptions _options;
    private readonly nuint _redZoneBytes;
    private readonly int _stackSampleInterval;
    private readonly BlockLedger _ledger = new();
    private readonly Quarantine _quarantine;
    private long _totalAllocations;
    private long _sampledStacks;
    private int _disposed;

    /// <summary>Puts the checks in front of a heap.</summary>
    /// <param name="raw">The heap that has the memory.</param>
    /// <param name="options">Validated here; <see cref="CheckedOptions.Enabled"/> is for the caller to look at.</param>
    public CheckedBlocks(IRawHeap raw, CheckedOptions options)
    {
        options.Validate();
        _raw = raw;
        _options = options;
        _redZoneBytes = (nuint)options.RedZoneBytes;
        _stackSampleInterval = options.StackSampleInterval;
        _quarantine = new Quarantine((ulong)options.QuarantineBytesMax);
        CheckedHeaps.Add(this);
    }

    /// <summary>The heap's name in messages.</summary>
    public string Name => _raw.Name;

    /// <summary>What the heap holds; each figure is exact at rest.</summary>
    public CheckedStatistics Statistics
    {
        get
        {
            (long liveBlocks, ulong liveBytes) = _ledger.CountLive();
            (long heldBlocks, ulong heldBytes) = _quarantine.Count();
            return new CheckedStatistics(
                liveBlocks,
                liveBytes,
                heldBlocks,
                heldBytes,
                Atomic.LoadAcquire(ref _totalAllocations),
                Atomic.LoadAcquire(ref _sampledStacks));
        }
    }

    /// <summary>Whether an address is the start of a live block of this heap; never throws.</summary>
    public bool Owns(void* block) => _ledger.Find((nuint)block, out BlockState state) is not null && state == BlockState.Live;

    /// <summary>The bytes that were asked for: in checked mode there is not one byte more to use.</summary>
    public nuint UsableSize(void* block)
    {
        ThrowIfDisposed();
        CheckedBlock? known = _ledger.Find((nuint)block, out BlockState state);
        return known is not null && state == BlockState.Live ? known.Bytes : throw Diagnose((nuint)block, "UsableSize");
    }

    private void ThrowIfDisposed()
    {
        if (Atomic.LoadAcquire(ref _disposed) != 0)
        {
            throw new ObjectDisposedException(_raw.Name, $"Heap '{_raw.Name}' is disposed.");
        }
    }
}
