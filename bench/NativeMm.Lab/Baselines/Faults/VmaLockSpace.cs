using NativeMm.AddressSpaces;
using NativeMm.Primitives;

namespace NativeMm.Lab.Baselines.Faults;

/// <summary>Linux from 6.4 on: a lock in each area, which a fault holds as a reader; whoever changes the area waits for the faults in it.</summary>
internal sealed unsafe class VmaLockSpace : FlatSpace
{
    private const int WriterBit = 1 << 30;

    /// <inheritdoc/>
    protected override bool TryWithoutLock(ulong page)
    {
        Vma* area = TryEnterArea(page);
        if (area == null)
        {
            return false;
        }

        bool installed = false;
        if (area->Protection == Protection.ReadWrite)
        {
            nuint frame = Pages.TakeFrame();
            ref SpinLock<NoLockStatistics> held = ref Pages.LockOf(page);
            held.Enter();
            installed = Pages.TryInstall(page, frame);
            held.Exit();
            if (!installed)
            {
                Pages.GiveFrame(frame);
            }
        }

        Atomic.Add(ref WordOf(area), -1);
        return installed;
    }

    /// <inheritdoc/>
    protected override void BeginChange(Vma* area)
    {
        if (area == null)
        {
            return;
        }

        Atomic.Add(ref WordOf(area), WriterBit);
        var backoff = default(Backoff);
        while (Atomic.LoadAcquire(ref WordOf(area)) != WriterBit)
        {
            backoff.Wait();
        }
    }

    /// <summary>The area with its lock held as a reader. The record is of the area as long as the lock is.</summary>
    private Vma* TryEnterArea(ulong page)
    {
        using EpochGuard inside = Tree.Epochs.Enter();
        Vma* area = Tree.Find(page);
        if (area == null)
        {
            return null;
        }

        if (Atomic.Add(ref WordOf(area), 1) < WriterBit && !area->State.IsDetached)
        {
            return area;
        }

        Atomic.Add(ref WordOf(area), -1);
        return null;
    }
}
