using NativeMm.AddressSpaces;
using NativeMm.Primitives;

namespace NativeMm.Lab.Baselines.Faults;

/// <summary>
/// The speculative faults of 2018 (v9): a reader-writer lock around the tree, a reference count in each area, and the area's version looked at again under the
/// lock of the leaf.
/// </summary>
internal sealed unsafe class RwlockLookupSpace : FlatSpace
{
    private ReaderWriterSleepLock _treeLock;

    /// <inheritdoc/>
    protected override bool TryWithoutLock(ulong page)
    {
        _treeLock.EnterRead();
        Vma* area = Tree.Find(page);
        if (area == null)
        {
            _treeLock.ExitRead();
            return false;
        }

        Atomic.Add(ref WordOf(area), 1);
        _treeLock.ExitRead();
        VmaState seen = area->State;
        bool installed = !seen.IsDetached && area->Protection == Protection.ReadWrite && TryInstall(page, area, seen);
        Atomic.Add(ref WordOf(area), -1);
        return installed;
    }

    /// <inheritdoc/>
    protected override void Publish()
    {
        _treeLock.EnterWrite();
        Tree.Publish();
        _treeLock.ExitWrite();
    }

    private bool TryInstall(ulong page, Vma* area, VmaState seen)
    {
        nuint frame = Pages.TakeFrame();
        ref SpinLock<NoLockStatistics> held = ref Pages.LockOf(page);
        bool installed = held.TryEnter();
        if (installed)
        {
            installed = area->IsStill(seen) && Pages.TryInstall(page, frame);
            held.Exit();
        }

        if (!installed)
        {
            Pages.GiveFrame(frame);
        }

        return installed;
    }
}
