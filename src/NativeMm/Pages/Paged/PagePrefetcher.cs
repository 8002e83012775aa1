using System.Diagnostics.CodeAnalysis;
using NativeMm.AddressSpaces;
using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Buffers;

/// <summary>
/// Fetches pages of a space in the background: those that somebody asks for, and those that a stride says will be wanted. What does not fit into its queue is left
/// out. Asking waits for nobody.
/// </summary>
internal sealed class PagePrefetcher : BackgroundJob, ISwapInObserver
{
    private const int QueueLength = 1024;
    private const int PagesPerRun = 32;
    private const int PageShift = 12;

    private readonly AddressSpace _space;
    private readonly long _firstPage;
    private readonly long _endPage;
    private readonly long[] _queue = new long[QueueLength];
    private readonly StrideDetector? _detector;
    private SpinLock<NoLockStatistics> _lock;
    private SleepLock _running;
    private long _head;
    private long _tail;
    private long _fetched;
    private int _worker;
    private bool _stopped;

    /// <summary>Makes one for pages of a space.</summary>
    /// <param name="space">The space.</param>
    /// <param name="address">First byte of the pages.</param>
    /// <param name="length">Their length in bytes.</param>
    /// <param name="strides">Whether faults are looked at for strides.</param>
    public PagePrefetcher(AddressSpace space, long address, long length, bool strides)
    {
        _space = space;
        _firstPage = address >> PageShift;
        _endPage = (address + length - 1 >> PageShift) + 1;
        _detector = strides ? new StrideDetector() : null;
    }

    /// <summary>Pages that were fetched.</summary>
    public long Fetched => Atomic.LoadAcquire(in _fetched);

    /// <summary>Wants pages soon.</summary>
    /// <param name="address">A byte of the first one.</param>
    /// <param name="stride">Step to the next one, in pages.</param>
    /// <param name="count">How many.</param>
    public void Ask(long address, long stride = 1, int count = 1)
    {
        _lock.Enter();
        Enqueue(address >> PageShift, stride, count);
        _lock.Exit();
        Ask();
    }

    /// <inheritdoc/>
    public void Returned(ulong page)
    {
        if (Environment.CurrentManagedThreadId == Atomic.LoadAcquire(in _worker))
        {
            Atomic.Add(ref _fetched, 1);
            return;
        }

        if (_detector is null)
        {
            return;
        }

        if (!_lock.TryEnter())
        {
            // Whoever faults waits for nobody here: one fault less is seen.
            return;
        }

        int ahead = _detector.Fault((long)page, out long stride);
        Enqueue((long)page + stride, stride, ahead);
        _lock.Exit();
        if (ahead > 0)
        {
            Ask();
        }
    }

    /// <summary>Fetches nothing any more, and waits for what is under way.</summary>
    public void Stop()
    {
        using (_running.EnterScope())
        {
            _stopped = true;
        }
    }

    /// <summary>Fetches nothing until the scope ends. A pass that is under way is waited for.</summary>
    public SleepLock.Scope Pause() => _running.EnterScope();

    /// <inheritdoc/>
    protected override void Run()
    {
        bool stopped;
        using (_running.EnterScope())
        {
            stopped = _stopped;
            Atomic.StoreRelease(ref _worker, Environment.CurrentManagedThreadId);
            for (int i = 0; i < PagesPerRun && !stopped && TryDequeue(out long page); i++)
            {
                Fetch(page);
            }

            Atomic.StoreRelease(ref _worker, 0);
        }

        // In pieces, so that other jobs have their turn.
        if (!stopped && Atomic.LoadAcquire(in _head) != Atomic.LoadAcquire(in _tail))
        {
            Ask();
        }
    }

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "What cannot be had is for the access that needs it to say.")]
    private void Fetch(long page)
    {
        try
        {
            _ = _space.Read<byte>(page << PageShift);
        }
        catch (Exception)
        {
            // A page that cannot be brought back, or for which there is no frame.
        }
    }

    private void Enqueue(long page, long stride, int count)
    {
        Invariant.Assert(_lock.IsHeld && _head <= _tail && _tail - _head <= QueueLength, $"The queue has {_tail - _head} pages, or is filled without the lock.");
        for (int i = 0; i < count && _tail - _head < QueueLength; i++, page += stride)
        {
            if (page >= _firstPage && page < _endPage)
            {
                _queue[_tail % QueueLength] = page;
                Atomic.StoreRelease(ref _tail, _tail + 1);
            }
        }
    }

    private bool TryDequeue(out long page)
    {
        _lock.Enter();
        Invariant.Assert(_head <= _tail && _tail - _head <= QueueLength, $"The queue has {_tail - _head} pages.");
        bool found = _head != _tail;
        page = found ? _queue[_head % QueueLength] : 0;
        Atomic.StoreRelease(ref _head, _head + (found ? 1 : 0));
        _lock.Exit();
        return found;
    }
}
