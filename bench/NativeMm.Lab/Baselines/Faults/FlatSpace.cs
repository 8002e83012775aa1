using NativeMm.AddressSpaces;
using NativeMm.Lab.Experiments.Faults;
using NativeMm.Lab.Harness;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Lab.Baselines.Faults;

/// <summary>
/// A space over <see cref="FlatPages"/> with the library's tree of areas, whose faults look areas up in a way of their own. What none of them changes is the same in
/// all: the space's lock, the frames, the locks of the leaves, the fault under the lock. Its areas never merge.
/// </summary>
internal abstract unsafe class FlatSpace : SpaceUnderTest
{
    private const int ThreadsMax = 256;
    private const int CountersPerThread = 16;

    private readonly VmaStore _store = new(SystemPlatform.Current, new EpochDomain());
    private readonly long[] _counters = new long[ThreadsMax * CountersPerThread];
    private ReaderWriterSleepLock _lock;

    /// <summary>Makes an empty space.</summary>
    protected FlatSpace() => Tree = new VmaTree(_store);

    /// <summary>The pages.</summary>
    protected FlatPages Pages { get; } = new();

    /// <summary>The areas.</summary>
    protected VmaTree Tree { get; }

    /// <inheritdoc/>
    public override long Map(long bytes, bool isHuge)
    {
        ulong pages = (ulong)bytes >> Pfn.FrameShift;
        _lock.EnterWrite();
        if (!Tree.TryFindHole(new VpnRange(FlatPages.First, FlatPages.End), pages, out VpnRange hole))
        {
            _lock.ExitWrite();
            throw new OutOfMemoryException("The window's addresses are used up.");
        }

        Put(null, new AreaSpec(new VpnRange(hole.Start, hole.Start + pages), Protection.ReadWrite, VmaFlags.Special));
        _lock.ExitWrite();
        return (long)hole.Start << Pfn.FrameShift;
    }

    /// <inheritdoc/>
    public override void Unmap(long address, long bytes)
    {
        _lock.EnterWrite();
        Vma* area = Tree.Find((ulong)address >> Pfn.FrameShift);
        VpnRange pages = area->Range;
        Put(area, null);
        Clear(pages);
        _lock.ExitWrite();
    }

    /// <inheritdoc/>
    public override void Protect(long address, long bytes, bool isWritable)
    {
        _lock.EnterWrite();
        Vma* area = Tree.Find((ulong)address >> Pfn.FrameShift);
        Put(area, area->Spec with { Protection = isWritable ? Protection.ReadWrite : Protection.Read });
        _lock.ExitWrite();
    }

    /// <inheritdoc/>
    public override void Touch(long address, int thread)
    {
        ulong page = (ulong)address >> Pfn.FrameShift;
        nuint frame;
        while ((frame = Atomic.LoadAcquire(ref Pages.EntryOf(page)) & ~FlatPages.LowMask) == 0)
        {
            _counters[thread * CountersPerThread]++;
            if (TryWithoutLock(page))
            {
                _counters[(thread * CountersPerThread) + 1]++;
            }
            else
            {
                UnderLock(page);
            }
        }

        *((byte*)frame + ((nuint)address & FlatPages.LowMask)) = 1;
    }

    /// <inheritdoc/>
    public override void AddTo(Measurement measurement)
    {
        long attempts = 0;
        long successes = 0;
        for (int i = 0; i < _counters.Length; i += CountersPerThread)
        {
            attempts += _counters[i];
            successes += _counters[i + 1];
        }

        measurement.Add("attempts", attempts).Add("successes", successes).Add("classic", attempts - successes);
        if (attempts > 0)
        {
            measurement.Add("success_share", 100.0 * successes / attempts);
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _store.Release();
        Pages.Dispose();
    }

    /// <summary>Tries a fault without the space's lock.</summary>
    protected abstract bool TryWithoutLock(ulong page);

    /// <summary>An area is about to change, or one is about to come. The caller holds the space's lock.</summary>
    /// <param name="area">The area, or null.</param>
    protected virtual void BeginChange(Vma* area)
    {
    }

    /// <summary>The change is made. The caller still holds the lock.</summary>
    protected virtual void EndChange()
    {
    }

    /// <summary>Lets others find the new tree.</summary>
    protected virtual void Publish() => Tree.Publish();

    /// <summary>Takes the pages of a range away.</summary>
    protected virtual void Clear(VpnRange pages) => Pages.Replace(pages, 0);

    /// <summary>What keeps a writer out of, or tells him of, an area's faults: 4 bytes of the record that the library does not use.</summary>
    protected static ref int WordOf(Vma* area) => ref *(int*)((byte*)area + 48);

    private void Put(Vma* old, AreaSpec? area)
    {
        if (!_store.TryReserve(1, Tree.NodesOfEdits(1), growing: area is not null))
        {
            throw new OutOfMemoryException("The system refuses memory for the areas.");
        }

        BeginChange(old);
        Span<nuint> inserted = stackalloc nuint[1];
        VpnRange range = area?.Pages ?? old->Range;
        if (area is { } spec)
        {
            Vma* record = _store.TakeRecord(spec);
            WordOf(record) = 0;
            inserted[0] = (nuint)record;
        }

        if (old != null)
        {
            old->Detach();
            _store.Retire(old);
        }

        Tree.Edit(range.Start, range.End, area is null ? [] : inserted);
        Publish();
        EndChange();
    }

    private void UnderLock(ulong page)
    {
        _lock.EnterRead();
        Vma* area = Tree.Find(page);
        if (area == null || area->Protection != Protection.ReadWrite)
        {
            _lock.ExitRead();
            throw new InvalidOperationException($"Page {page} may not be written.");
        }

        nuint frame = Pages.TakeFrame();
        ref SpinLock<NoLockStatistics> held = ref Pages.LockOf(page);
        held.Enter();
        bool installed = Pages.TryInstall(page, frame);
        held.Exit();
        _lock.ExitRead();
        if (!installed)
        {
            Pages.GiveFrame(frame);
        }
    }
}
