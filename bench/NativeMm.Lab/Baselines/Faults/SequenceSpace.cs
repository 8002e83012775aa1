using NativeMm.AddressSpaces;
using NativeMm.Primitives;

namespace NativeMm.Lab.Baselines.Faults;

/// <summary>The speculative faults of 2021: one sequence count for the whole space; the area is copied, and any change anywhere makes the fault fall back.</summary>
internal sealed unsafe class SequenceSpace : FlatSpace
{
    private PaddedWord _sequence;

    /// <inheritdoc/>
    protected override bool TryWithoutLock(ulong page)
    {
        ulong seen = Atomic.LoadAcquire(ref _sequence.Value);
        if (seen % 2 != 0 || !IsWritable(page))
        {
            return false;
        }

        nuint frame = Pages.TakeFrame();
        ref SpinLock<NoLockStatistics> held = ref Pages.LockOf(page);
        bool installed = held.TryEnter();
        if (installed)
        {
            installed = Atomic.LoadAcquire(ref _sequence.Value) == seen && Pages.TryInstall(page, frame);
            held.Exit();
        }

        if (!installed)
        {
            Pages.GiveFrame(frame);
        }

        return installed;
    }

    /// <inheritdoc/>
    protected override void BeginChange(Vma* area) => Atomic.Add(ref _sequence.Value, 1);

    /// <inheritdoc/>
    protected override void EndChange() => Atomic.Add(ref _sequence.Value, 1);

    private bool IsWritable(ulong page)
    {
        using EpochGuard inside = Tree.Epochs.Enter();
        Vma* area = Tree.Find(page);
        return area != null && area->Protection == Protection.ReadWrite;
    }
}
