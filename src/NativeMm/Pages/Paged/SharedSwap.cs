using NativeMm.AddressSpaces;
using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Buffers;

/// <summary>The backend of a memory and its snapshots: it ends with the last of them. Measures how long loads take.</summary>
internal sealed class SharedSwap : ISwapBackend
{
    private readonly ISwapBackend _backend;
    private StallClock _stalls;
    private int _owners = 1;

    /// <summary>Takes a backend over, for one owner.</summary>
    public SharedSwap(ISwapBackend backend)
    {
        _backend = backend;
    }

    /// <summary>Time in which at least one thread waited for a page.</summary>
    public TimeSpan Stalled => _stalls.Read();

    /// <summary>Another owner, who disposes as well.</summary>
    /// <returns>False when the last one is gone already.</returns>
    public bool TryAddOwner()
    {
        int owners = Atomic.LoadAcquire(in _owners);
        while (owners > 0 && !Atomic.CompareExchange(ref _owners, owners, owners + 1))
        {
            owners = Atomic.LoadAcquire(in _owners);
        }

        Invariant.Assert(owners >= 0, $"A swap has {owners} owners.");
        return owners > 0;
    }

    /// <inheritdoc/>
    public int Store(ReadOnlySpan<nint> pages, Span<ulong> slots) => _backend.Store(pages, slots);

    /// <inheritdoc/>
    public SwapLoad Load(ulong slot, nint destination)
    {
        _stalls.Enter();
        try
        {
            return _backend.Load(slot, destination);
        }
        finally
        {
            _stalls.Exit();
        }
    }

    /// <inheritdoc/>
    public void Free(ulong slot) => _backend.Free(slot);

    /// <inheritdoc/>
    public void Duplicate(ulong slot) => _backend.Duplicate(slot);

    /// <inheritdoc/>
    public SwapStatistics GetStatistics() => _backend.GetStatistics();

    /// <inheritdoc/>
    public void Validate() => _backend.Validate();

    /// <inheritdoc/>
    public void Dispose()
    {
        int left = Atomic.Add(ref _owners, -1);
        Invariant.Assert(left >= 0, $"A swap is left by more than it had: {left}.");
        if (left == 0)
        {
            _backend.Dispose();
        }
    }
}
