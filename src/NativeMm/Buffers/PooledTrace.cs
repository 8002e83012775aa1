using System.Diagnostics;
using NativeMm.Heap.Checked;
using NativeMm.Primitives;

namespace NativeMm.Buffers;

/// <summary>Where a rent of a checked pool began and where it ended, for the message about a second disposal. Thread-safe.</summary>
internal sealed class PooledTrace
{
    private readonly StackTrace _rentedAt = AllocationStack.Capture();
    private StackTrace? _disposedAt;

    /// <summary>What the message says without stacks.</summary>
    public static string Advice => $" {CheckedOptions.StacksVariable}=1 tells where it was rented and disposed first.";

    /// <summary>The stacks that are known, as paragraphs. A disposal that is just going on may not be among them yet.</summary>
    public string Text =>
        AllocationStack.Paragraph("Rented at:", _rentedAt) + AllocationStack.Paragraph("Disposed at:", Atomic.LoadAcquire(ref _disposedAt!));

    /// <summary>Remembers where the rent ends; without managed memory for it, nothing.</summary>
    public void End() => Atomic.StoreRelease(ref _disposedAt, AllocationStack.TryCapture());
}
