// Purpose      frames that were taken out of page tables wait here until they may be freed, and much of it is freed by workers meanwhile.
// States       8 addresses in the object, then a chain of batches. Flushed: nobody uses what was gathered until now. Handed over: the chain behind the 8 is a
//              worker's, and so are its batches.
// Transitions  Add; Flush; Free, which flushes first if it must; a hand-over at the threshold, which flushes, frees the 8 and queues the chain. Complete waits
//              for the workers in the order of the hand-overs.
// Ownership    everything is the gathering thread's; a chain that was handed over is its job's until it has ended.
// Ordering     an address comes in after its entry was cleared, is flushed after it came in, and freed after it was flushed. Between the flush and a worker lies the
//              lock of the workers.
// Progress     never fails: without a frame for a batch, and without a job that is free, the gathering thread flushes and frees what it has.
// Source       Linux's mmu_gather, and A. Lu's series for parallel free (2017): 8 inline, 510 a batch, the threshold, the order of the waits, and "must flush" apart
//              from "must free".

using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;
using NativeMm.Frames;

namespace NativeMm.Teardown;

/// <summary>Frames that go. For one thread at a time. Nothing here allocates managed memory but the constructor.</summary>
internal sealed unsafe class FrameGather
{
    /// <summary>Addresses that need no batch.</summary>
    public const int InlineFrames = 8;

    private readonly IFrameAllocator _frames;
    private readonly IFrameRelease _release;
    private readonly TeardownWorkers _workers;
    private readonly long _threshold;

    // Jobs in the order of their hand-overs: _oldest … _oldest + _handedOver − 1, around the end.
    private readonly ChainJob[] _jobs;
    private int _oldest;
    private int _handedOver;

    private InlineAddresses _inline;
    private int _inlineCount;
    private ulong* _first;
    private ulong* _last;
    private bool _isFlushed = true;

    /// <summary>Makes an empty one.</summary>
    /// <param name="frames">Where batches come from.</param>
    /// <param name="release">What becomes of the frames.</param>
    /// <param name="workers">Who frees what is handed over.</param>
    /// <param name="threshold">So many frames are handed over; 0 and 1 hand over each batch as soon as there is one.</param>
    public FrameGather(IFrameAllocator frames, IFrameRelease release, TeardownWorkers workers, long threshold)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(threshold);
        _frames = frames;
        _release = release;
        _workers = workers;
        _threshold = threshold;
        _jobs = new ChainJob[2 * workers.Width];
        for (int i = 0; i < _jobs.Length; i++)
        {
            _jobs[i] = new ChainJob(workers, frames, release);
        }
    }

    /// <summary>Frames that wait here, those of the workers not among them.</summary>
    public long Count { get; private set; }

    /// <summary>Processor time of the workers, as far as they are through.</summary>
    public TimeSpan WorkersCpuTime { get; private set; }

    /// <summary>The first exception of a free, here or by a worker, or null. What came behind was freed all the same.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>Takes a frame over whose entry was cleared. At the threshold what was gathered goes to a worker.</summary>
    public void Add(ulong address)
    {
        if (_inlineCount == InlineFrames && !FrameBatches.TryAdd(_last, address) && !TryAddBatch(address))
        {
            _workers.Ledger.NoteWithoutMemory();
            Free();
            _inline[_inlineCount++] = address;
        }
        else if (_inlineCount < InlineFrames)
        {
            _inline[_inlineCount++] = address;
        }

        Count++;
        _isFlushed = false;
        if (Count >= _threshold)
        {
            HandOver();
        }
    }

    /// <summary>Makes sure that nobody uses what was gathered. It stays gathered.</summary>
    public void Flush()
    {
        if (!_isFlushed)
        {
            _release.Flush();
            _isFlushed = true;
        }
    }

    /// <summary>Flushes, and frees everything that is here, on the calling thread.</summary>
    public void Free()
    {
        Flush();
        FreeInline();
        FreeChain();
        Invariant.Assert(Count == 0 && _isFlushed, $"{Count} frames are left after all were freed, or they were not flushed.");
    }

    /// <summary>Frees everything, and waits for the workers in the order in which they got their work.</summary>
    public void Complete()
    {
        Free();
        while (_handedOver > 0)
        {
            AwaitOldest();
        }
    }

    private bool TryAddBatch(ulong address)
    {
        ulong* batch = FrameBatches.TryMake(_frames);
        if (batch == null)
        {
            return false;
        }

        if (_last == null)
        {
            _first = batch;
        }
        else
        {
            FrameBatches.Link(_last, batch);
        }

        _last = batch;
        return FrameBatches.TryAdd(batch, address);
    }

    private void HandOver()
    {
        Flush();
        FreeInline();
        if (_first == null)
        {
            return;
        }

        while (_handedOver > 0 && _jobs[_oldest].HasEnded)
        {
            AwaitOldest();
        }

        ChainJob? job = _handedOver < _jobs.Length ? _jobs[(_oldest + _handedOver) % _jobs.Length] : null;
        if (job is null)
        {
            // The workers do not keep up: this thread frees as well.
            _workers.Ledger.NoteWithoutWorker();
            FreeChain();
            return;
        }

        job.Begin(TakeChain());
        _handedOver++;
        if (!_workers.TryQueue(job))
        {
            _workers.Ledger.NoteWithoutWorker();
            _workers.AwaitEnd(job);
        }
    }

    private void AwaitOldest()
    {
        Invariant.Assert(_handedOver > 0 && _handedOver <= _jobs.Length, $"{_handedOver} chains are with the workers, of at most {_jobs.Length}.");
        ChainJob job = _jobs[_oldest];
        _workers.AwaitEnd(job);
        Invariant.Check(job.Phase == JobPhase.Done, "A chain of frames was left.");
        WorkersCpuTime += job.CpuTime;
        Failure ??= job.Failure;
        _oldest = (_oldest + 1) % _jobs.Length;
        _handedOver--;
    }

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "It reaches whoever waits; what is left must be freed all the same.")]
    private void FreeInline()
    {
        Invariant.Assert(_isFlushed, "Frames are freed that somebody may still use.");
        int count = _inlineCount;
        if (count != 0)
        {
            // Before they are freed: what throws there must not free twice.
            (_inlineCount, Count) = (0, Count - count);
            try
            {
                _release.Free(((ReadOnlySpan<ulong>)_inline)[..count]);
            }
            catch (Exception failure)
            {
                Failure ??= failure;
            }
        }
    }

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "It reaches whoever waits; what is left must be freed all the same.")]
    private void FreeChain()
    {
        ulong* batch = TakeChain();
        while (batch != null)
        {
            ulong* next = FrameBatches.NextOf(batch);
            try
            {
                FrameBatches.Free(batch, _frames, _release);
            }
            catch (Exception failure)
            {
                Failure ??= failure;
            }

            batch = next;
        }
    }

    private ulong* TakeChain()
    {
        Invariant.Assert(_isFlushed && _first == null == (_last == null), "A chain of frames goes that was not flushed, or has lost an end.");
        Invariant.Assert(Count >= _inlineCount, $"{Count} frames wait, of which {_inlineCount} need no batch.");
        ulong* chain = _first;
        _first = null;
        _last = null;
        Count = _inlineCount;
        return chain;
    }

    [InlineArray(InlineFrames)]
    private struct InlineAddresses
    {
        private ulong _first;
    }
}
