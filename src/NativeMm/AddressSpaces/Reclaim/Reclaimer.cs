// Purpose      keeps the pages of a space in memory below a limit: pages that were not used lately leave, a batch at a time, while readers of all others go on.
// States       of a page: in (it has a charge) → leaving (marked, pinned by the reclaimer) → out; or back to in. Of a charge: free, or a page's.
// Transitions  in → leaving: Mark, under the leaf's lock. leaving → out, → in: Settle, under that lock. A reader that meets a leaving page takes the Moving flag off, which
//              Settle sees; a writer waits until Settle has been there. Whoever unmaps the page takes the entry; Settle finds that.
// Ownership    _pages[number]  | whoever installs, moves or removes the page: under its leaf's lock | the reclaimer | release, acquire; a hint, compared under the lock
//              _numbers[frame] | the same                                      | the same  | plain    | the leaf's lock
//              free numbers    | anybody                                       | anybody   | plain    | _freeLock, under leaf locks
//              the batch       | whoever holds _moving
// Ordering     [R1] all pages of a batch are marked, then one process-wide fence is passed and the hazards are looked at ([H2]): a page that nobody has a hazard for is
//              read and written by nobody until Settle, but for readers that came later, who only read: what is stored is what stays.
//              The pin taken in Mark keeps the frame, whatever becomes of the entry, until Settle: it is not used for anything else while it is stored.
// Reuse        only who holds _moving marks pages, and settles all of them before he gives it up: an entry that is equal to what Mark wrote is what Mark wrote.
// Progress     reclaim holds no lock of the space, and waits for nobody but the backend. Faults wait for it when there is no charge left.
// Source       vmcache's batches (SIGMOD'23), with hazards in place of versions; Linux's swap cache for what stays clean.

using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using NativeMm.Diagnostics;
using NativeMm.Eviction;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <summary>Reclaim for one space. Thread-safe.</summary>
/// <typeparam name="TPolicy">Which pages leave.</typeparam>
internal sealed unsafe partial class Reclaimer<TPolicy> : Residency
    where TPolicy : struct, IReplacementPolicy
{
    /// <summary>Pages of a batch.</summary>
    public const int BatchPages = 64;

    // Background work begins when fewer charges than this share are free, and ends at twice that.
    private const int LowWaterShare = 64;
    private const int BatchesPerCharge = 16;
    private const ulong NoPage = ulong.MaxValue;

    private readonly PageTables _tables;
    private readonly ISwapBackend _swap;
    private readonly IMemoryPlatform _platform;
    private readonly int _limit;
    private readonly int _lowWater;
    private readonly ReclaimJob _job;
    private readonly LeavingPage[] _batch = new LeavingPage[BatchPages];
    private readonly uint[] _victims = new uint[BatchPages];
    private readonly nuint _bytes;
    private EndGate _gate;
    private nuint _memory;
    private readonly ulong* _pages;
    private readonly uint* _free;
    private readonly uint* _numbers;

    [SuppressMessage("Style", "IDE0044:Add readonly modifier", Justification = "The policy changes itself: a copy would be another one.")]
    private TPolicy _policy;

    private SleepLock _moving;
    private SpinLock<NoLockStatistics> _freeLock;
    private int _freeCount;

    /// <summary>Makes it, and attaches it to the tables.</summary>
    /// <param name="tables">The tables, of which no page is populated; they have a swap.</param>
    /// <param name="limit">Most pages in memory, at least 16.</param>
    /// <exception cref="OutOfMemoryException">The system refuses the bookkeeping.</exception>
    public Reclaimer(PageTables tables, int limit)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 16);
        _tables = tables;
        _swap = tables.Swap!;
        _platform = tables.Frames.Zone.Platform;
        _limit = limit;
        _lowWater = int.Max(4, int.Min(limit / LowWaterShare, 4096));
        uint frames = tables.Frames.Zone.FrameCount;
        nuint policyBytes = ((nuint)limit * (nuint)TPolicy.ItemBytes + 7) & ~(nuint)7;
        _bytes = ((nuint)limit * (sizeof(ulong) + sizeof(uint))) + policyBytes + ((nuint)frames * sizeof(uint));
        PlatformResult result = _platform.Reserve(_bytes, _platform.PageBytes, out _memory);
        if (!result.Succeeded)
        {
            throw Frames.OutOfFrames.ForBookkeeping(tables.Frames.Zone, _bytes, result);
        }

        _pages = (ulong*)_memory;
        byte* metadata = (byte*)(_pages + limit);
        _free = (uint*)(metadata + policyBytes);
        _numbers = _free + limit;
        for (int i = 0; i < limit; i++)
        {
            _pages[i] = NoPage;
            _free[i] = (uint)(limit - 1 - i);
        }

        _freeCount = limit;
        _policy = new TPolicy();

        // What is in when background work has ended. A policy that protects more than that has nothing left to choose from.
        int stays = limit - (2 * _lowWater) - int.Min(BatchPages, limit / 8);
        _policy.Attach(metadata, (uint)limit, (uint)int.Max(1, stays));
        _job = new ReclaimJob(this);
        tables.Residency = this;
    }

    /// <summary>Pages that have a charge.</summary>
    public int ChargedPages => _limit - Atomic.LoadAcquire(in _freeCount);

    /// <inheritdoc/>
    public override bool TryCharge(out uint charge)
    {
        _freeLock.Enter();
        Invariant.Assert(_freeCount >= 0 && _freeCount <= _limit, $"{_freeCount} of {_limit} charges are free.");
        int left = _freeCount - 1;
        charge = left >= 0 ? _free[left] + 1 : 0;
        Invariant.Assert(charge == 0 || (charge <= _limit && _pages[charge - 1] == NoPage), $"Charge {charge} of {_limit} is free and a page has it.");
        Atomic.StoreRelease(ref _freeCount, int.Max(left, 0));
        _freeLock.Exit();
        if (left < _lowWater)
        {
            _job.Ask();
        }

        return charge != 0;
    }

    /// <inheritdoc/>
    public override void Uncharge(uint charge) => FreeNumber(charge - 1);

    /// <inheritdoc/>
    public override void Installed(ulong page, uint frame, uint charge, uint history)
    {
        Invariant.Assert(charge != 0 && charge <= _limit, $"Page {page:x} has charge {charge}, of {_limit}.");
        Invariant.Assert(
            _numbers[frame] == 0 && _pages[charge - 1] == NoPage,
            $"Frame {frame} has charge {_numbers[frame]} and gets {charge}, which page {_pages[charge - 1]:x} has.");
        uint number = charge - 1;
        _numbers[frame] = charge;
        Atomic.StoreRelease(ref _pages[number], page);
        _policy.Insert(number, history);
    }

    /// <inheritdoc/>
    public override void Removed(uint frame)
    {
        Invariant.Assert(_numbers[frame] != 0 && _pages[_numbers[frame] - 1] != NoPage, $"Frame {frame} goes and has no charge.");
        uint number = _numbers[frame] - 1;
        _policy.Remove(number);
        Forget(frame, number);
    }

    /// <inheritdoc/>
    public override void Replaced(uint frame, uint newFrame)
    {
        Invariant.Assert(
            _numbers[frame] != 0 && _numbers[newFrame] == 0,
            $"Frame {newFrame} with charge {_numbers[newFrame]} takes the place of {frame} with {_numbers[frame]}.");
        _numbers[newFrame] = _numbers[frame];
        _numbers[frame] = 0;
    }

    /// <inheritdoc/>
    public override void Moved(ulong page, uint frame)
    {
        Invariant.Assert(_numbers[frame] != 0 && page != NoPage, $"Frame {frame} moves to page {page:x} and has no charge.");
        Atomic.StoreRelease(ref _pages[_numbers[frame] - 1], page);
    }

    /// <inheritdoc/>
    public override OutOfMemoryException OutOfRoom() => Describe(_swap.GetStatistics());

    /// <summary>Ends the background work; no page leaves any more. The bookkeeping stays until <see cref="Dispose"/>.</summary>
    public override void Stop() => _gate.Close();

    /// <summary>Frees the bookkeeping. The tables are gone.</summary>
    public override void Dispose()
    {
        Stop();
        if (_memory != 0)
        {
            _platform.ReleaseOrKeep(_memory, _bytes);
            _memory = 0;
        }
    }

    private void Forget(uint frame, uint number)
    {
        Invariant.Assert(_numbers[frame] == number + 1, $"Frame {frame} loses charge {number + 1} and has {_numbers[frame]}.");
        _numbers[frame] = 0;
        Atomic.StoreRelease(ref _pages[number], NoPage);
        FreeNumber(number);
    }

    private void FreeNumber(uint number)
    {
        _freeLock.Enter();
        Invariant.Assert(number < _limit && _freeCount < _limit, $"Charge {number} is given back beside {_freeCount} free ones of {_limit}.");
        Invariant.Assert(_pages[number] == NoPage, $"Charge {number} becomes free while page {_pages[number]:x} has it.");
        _free[_freeCount] = number;
        Atomic.StoreRelease(ref _freeCount, _freeCount + 1);
        _freeLock.Exit();
    }

    [SuppressMessage("Usage", "CA2201:Do not raise reserved exception types", Justification = "There is no memory.")]
    private OutOfMemoryException Describe(SwapStatistics swap)
    {
        string refusal = swap.LastStoreErrno == 0 ? string.Empty : $" The device said last: {ErrorNumber.Describe(swap.LastStoreErrno)}.";
        return new OutOfMemoryException(string.Create(
            CultureInfo.InvariantCulture,
            $"No page can leave: {ChargedPages} of at most {_limit} pages are in memory, in use, pinned or incompressible, and {swap.Pages} are kept elsewhere.{refusal}"));
    }
}
