using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Vmap;

/// <content>Making ranges: a record, addresses, frames, mappings, in this order, and undone in the opposite one.</content>
public sealed unsafe partial class VmapAllocator
{
    private readonly Lock _notifierLock = new();
    private Action<nuint>[] _notifiers = [];
    private long _made;

    /// <summary>
    /// Registers somebody who may give ranges up when no range can be made, also after a purge. Called on the thread that allocates, without
    /// any lock; it may free and unmap.
    /// </summary>
    /// <param name="notifier">Is told how many bytes are wanted.</param>
    public void AddPurgeNotifier(Action<nuint> notifier)
    {
        ArgumentNullException.ThrowIfNull(notifier);
        lock (_notifierLock)
        {
            Atomic.StoreRelease(ref _notifiers, [.. _notifiers, notifier]);
        }
    }

    /// <summary>Takes a registration back.</summary>
    /// <param name="notifier">What was registered; unknown ones are ignored.</param>
    public void RemovePurgeNotifier(Action<nuint> notifier)
    {
        lock (_notifierLock)
        {
            int at = Array.IndexOf(_notifiers, notifier);
            if (at >= 0)
            {
                Atomic.StoreRelease(ref _notifiers, [.. _notifiers.AsSpan(0, at), .. _notifiers.AsSpan(at + 1)]);
            }
        }
    }

    /// <summary>
    /// Makes a range; if that fails, gives up everything that is kept for later and tries once more; then asks the registered notifiers and tries
    /// for the last time.
    /// </summary>
    /// <param name="wish">The range.</param>
    /// <param name="frames">Its first frames, numbers plus one, referenced by whoever asks; the rest is allocated.</param>
    /// <param name="frameCount">How many.</param>
    /// <param name="address">The first byte, or null.</param>
    /// <param name="refusal">What the system said, if it was the system that refused.</param>
    private VmapOutcome MakeOrReclaim(RangeWish wish, uint* frames, uint frameCount, out void* address, out PlatformResult refusal)
    {
        VmapOutcome outcome = Make(wish, frames, frameCount, out address, out refusal);
        if (outcome == VmapOutcome.Success)
        {
            return outcome;
        }

        PurgeEverything();
        outcome = Make(wish, frames, frameCount, out address, out refusal);
        Action<nuint>[] notifiers = Atomic.LoadAcquire(ref _notifiers);
        if (outcome == VmapOutcome.Success || notifiers.Length == 0)
        {
            return outcome;
        }

        foreach (Action<nuint> notifier in notifiers)
        {
            notifier(wish.Bytes);
        }

        PurgeEverything();
        return Make(wish, frames, frameCount, out address, out refusal);
    }

    private VmapOutcome Make(RangeWish wish, uint* frames, uint frameCount, out void* address, out PlatformResult refusal)
    {
        address = null;
        refusal = PlatformResult.Success;
        uint record = _areas.TryTake();
        if (record == 0)
        {
            return VmapOutcome.NoRecords;
        }

        if (!_free.TryTake(wish.Pages + wish.GuardPages, wish.AlignPages, out uint start, out long freeRanges))
        {
            _areas.Give(record);
            return VmapOutcome.NoRange;
        }

        var range = new PageRange(start, wish.Pages + wish.GuardPages);
        uint* slots = _areas.FrameOf + start;
        bool zeroed = (wish.Flags & VmapFlags.Zeroed) != 0;
        bool huge = (wish.Flags & VmapFlags.Huge) != 0;
        if (!TryShare(frames, frameCount, slots) || !AllocateRest(slots, frameCount, wish.Pages, zeroed, huge))
        {
            _free.Give(range);
            _areas.Give(record);
            return VmapOutcome.NoFrames;
        }

        Describe(record, wish, range);
        VmapOutcome outcome = _mapper.TryMap(start, wish.Pages, wish.GuardPages, holes: 0, freeRanges, out uint mappings, out refusal);
        _areas.Records[record].Mappings = mappings;
        if (outcome == VmapOutcome.NoMappings)
        {
            // Nothing was mapped: everything can go back at once.
            _references.Release(slots, wish.Pages);
            _areas.Enter(range, 0);
            _free.Give(range);
            _areas.Give(record);
            return outcome;
        }

        if (outcome != VmapOutcome.Success)
        {
            // A part may be mapped. The purge that follows takes it down as any freed range.
            AddLazy(record, _areas.Records + record);
            return outcome;
        }

        Publish(record, VmapAreaState.Busy);
        address = (void*)_mapper.AddressOf(start);
        return VmapOutcome.Success;
    }

    /// <summary>One more reference for each given frame, into the slots of a range.</summary>
    private bool TryShare(uint* frames, uint count, uint* slots)
    {
        for (uint i = 0; i < count; i++)
        {
            if (!_references.TryReference(new Pfn(frames[i] - 1)))
            {
                _references.Release(slots, i);
                return false;
            }

            Atomic.StoreRelease(ref slots[i], frames[i]);
        }

        return true;
    }

    private bool AllocateRest(uint* slots, uint shared, uint pages, bool zeroed, bool huge)
    {
        if (shared >= pages || _references.TryAllocate(slots + shared, pages - shared, zeroed, huge))
        {
            return true;
        }

        _references.Release(slots, shared);
        return false;
    }

    private void Describe(uint record, RangeWish wish, PageRange range)
    {
        VmapArea* area = _areas.Records + record;
        area->Version.BeginWrite();
        area->Start = range.Start;
        area->Pages = wish.Pages;
        area->GuardPages = (byte)wish.GuardPages;
        area->Kind = (byte)wish.Kind;
        area->Flags = (ushort)wish.Flags;
        area->Bytes = wish.Bytes;
        area->Home = (uint)(CoreId.CurrentHint.Value & _poolMask);
        area->Poolable = wish.Kind == VmapAreaKind.Alloc && wish.Pages <= VmapPool.PagesMax ? 1u : 0u;
        area->Version.EndWrite();
        _areas.Enter(range, record);
    }

    private void Publish(uint record, VmapAreaState state)
    {
        Atomic.Add(ref _made, state == VmapAreaState.Busy ? 1 : 0);
        Atomic.StoreRelease(ref _areas.Records[record].State, (uint)state); // [V1] pairs with [V2]
    }
}
