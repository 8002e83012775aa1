// Purpose      the pages and tables of a range that was taken out of a space at one moment, given back by several threads beside accesses, faults and reclaim.
// States       idle → attached: a tree of its own leads to the tables; entries of the space that led there say that there is nothing, and one process-wide fence was
//              passed → pieces of it are taken, leaf by leaf → the upper tables go, when every leaf has gone.
// Transitions  attach: the writer of the space. A leaf: whoever has taken a bite with it. The upper tables: the last thread of the job.
// Ownership    field          | who writes                      | who reads | how   | guard
//              the tree       | the writer, before the job runs; faults that were under way there | threads of the job | acquire | lock of the table, for faults
//              a leaf         | who has the bite; whoever has a hazard for a page of it | the same | plain | lock of the leaf, while anybody has one
//              _announced     | threads of the job              | the same  | add   | none
// Ordering     [H2] the writer takes the tables out, passes the fence, and queues the job. A thread that may still walk to one of these tables published its hazard before
//              the fence, so every look at the hazards that comes later finds it, until it is through. Whoever begins later finds nothing. So a leaf for which a look
//              shows no hazard is nobody's but the job's: it takes no lock and needs no other fence. Frames are freed behind that look.
//              A fault that found its record before it was detached may still add a table here: it holds the lock of the table above, which who looks for leaves takes once.
// Reuse        new tables for the same pages have new hazards of the same words: the look errs on the safe side.
// Progress     a hazard for a page of a leaf costs that leaf what it costs an unmap: accesses end by themselves and are waited for, leases keep their frames.
// Source       process_mrelease and the downgraded munmap of Linux, which take the range out under the lock and release it without; V. Babka's review (2017) for the split by
//              populated subtrees.

using System.Diagnostics.CodeAnalysis;
using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Primitives;
using NativeMm.Teardown;

namespace NativeMm.AddressSpaces;

/// <summary>A job that gives back what was behind a range. Used once, or again and again by an owner who waits for it.</summary>
internal sealed unsafe partial class TableRelease : TeardownJob, IFrameRelease
{
    // 4096 pages: a fraction of a millisecond.
    private const int LeavesOfBite = 8;

    private const long LeafBytes = (SharedTables.Entries + 1) * (long)Pfn.FrameBytes;

    private readonly PageTables _tables;
    private readonly FrameGather? _gather;
    private ulong* _root;
    private long _announced;
    private int _resuming;

    /// <summary>Makes one for a space's tables.</summary>
    /// <param name="tables">The tables.</param>
    /// <param name="workers">Who works on it.</param>
    public TableRelease(PageTables tables, TeardownWorkers workers)
        : base(workers, workers.Options.Strategy == TeardownStrategy.RangeSplit ? 0 : 1)
    {
        _tables = tables;
        _gather = workers.Options.Strategy == TeardownStrategy.Batches
            ? new FrameGather(tables.Frames, this, workers, workers.Options.BatchThresholdFrames)
            : null;
    }

    /// <summary>Whether it has something to release.</summary>
    public bool IsAttached => _root != null;

    /// <summary>The next one in the space's list.</summary>
    public TableRelease? NextOfSpace { get; set; }

    /// <summary>Takes a tree over that nothing leads to any more, and begins. The caller is the writer of the space, and has passed the fence.</summary>
    /// <param name="root">Its root.</param>
    /// <param name="pages">The pages below it.</param>
    /// <param name="bytes">Bytes of pages and leaves, leaves as if they were full.</param>
    /// <param name="announcedBefore">Bytes of it that are accounted as releasing already.</param>
    public void Attach(ulong* root, VpnRange pages, long bytes, long announcedBefore = 0)
    {
        Invariant.Assert(_root == null && root != null && bytes >= 0, $"A job over {pages} with {bytes} bytes is attached to one in use.");
        _root = root;
        _announced = bytes;
        Workers.Ledger.AddReleasingFrames(bytes - announcedBefore);
        Begin(new WorkPiece(pages.Start, pages.End), bytes);
        _tables.Releases.Add(this);
    }

    /// <summary>Goes on with it, if it was cancelled with something left and nobody else does. Whoever was told of the cancellation is told nothing more.</summary>
    /// <param name="waits">Whether to do it here and now, and not in the background.</param>
    /// <param name="watch">Who looks on when it is done here; null for nobody.</param>
    public void TryResume(bool waits, ReleaseWatch? watch = null)
    {
        if (Phase != JobPhase.Abandoned || !Atomic.CompareExchange(ref _resuming, 0, 1))
        {
            return;
        }

        bool resumes = Phase == JobPhase.Abandoned;
        if (resumes)
        {
            (Completion, Listener) = (null, null);
            BeginAgain();
        }

        Atomic.StoreRelease(ref _resuming, 0);
        if (resumes && watch is not null)
        {
            watch.Run(this);
        }
        else if (resumes && (waits || !Workers.TryQueue(this)))
        {
            Workers.RunToEnd(this);
        }
    }

    /// <inheritdoc/>
    void IFrameRelease.Flush() => Atomic.ProcessWideFence(); // The tables were taken out and looked at: this is for the frames of a later use.

    /// <inheritdoc/>
    void IFrameRelease.Free(ReadOnlySpan<ulong> frames)
    {
        _tables.DropUnused(frames);
        NoteReleased(frames.Length * (long)Pfn.FrameBytes);
    }

    /// <inheritdoc/>
    protected override StepDone Step(WorkPiece bite)
    {
        Span<ulong> words = stackalloc ulong[Hazards.Capacity];
        Invariant.Assert(_root != null && bite.End > bite.First, $"Pages {bite.First:x} to {bite.End:x} are given back, of a job that has no tables or is through.");
        var hazards = Hazards.LookAgain(_tables.Key, words);
        long leaves = 0;
        long frames = 0;
        long left = 0;
        ulong page = bite.First;
        ulong* leaf;
        while ((leaf = _tables.FindLeafBelow(_root, ref page, bite.End)) != null)
        {
            leaves++;
            int gathered = 0;
            frames += hazards.TouchesAny(page, page + SharedTables.Entries)
                ? _tables.ReleaseUsedLeaf(leaf, page)
                : _tables.ReleaseLeaf(leaf, _gather, out gathered);
            left += gathered;
            page += SharedTables.Entries;
        }

        long done = (frames + leaves) * Pfn.FrameBytes;
        CorrectTotal(done - (leaves * LeafBytes));
        NoteReleased((leaves * LeafBytes) - (left * Pfn.FrameBytes));
        return new StepDone(frames + leaves, done);
    }

    /// <inheritdoc/>
    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "It reaches whoever waits, and the tables must go all the same.")]
    protected override void Finish(bool isDone)
    {
        try
        {
            CompleteGather();
        }
        catch (Exception failure)
        {
            Keep(failure);
        }

        if (!isDone)
        {
            return;
        }

        Invariant.Assert(_root != null, "A job ends twice.");
        ulong* root = _root;
        _root = null;
        try
        {
            _tables.FreeUpperTables(root);
            _tables.Deferred.Flush();
        }
        finally
        {
            CorrectTotal(Progress.BytesDone - Progress.BytesTotal);
            NoteReleased(Atomic.LoadAcquire(in _announced));
        }
    }

    /// <inheritdoc/>
    protected override void LetGo(bool isDone)
    {
        if (isDone)
        {
            _tables.Releases.Remove(this);
        }
    }

    private void CompleteGather()
    {
        if (_gather is { } gather)
        {
            TimeSpan before = gather.WorkersCpuTime;
            gather.Complete();
            AddCpuTime(gather.WorkersCpuTime - before);
            if (gather.Failure is { } failure)
            {
                Keep(failure);
            }
        }
    }

    private void NoteReleased(long bytes)
    {
        Atomic.Add(ref _announced, -bytes);
        Workers.Ledger.AddReleasingFrames(-bytes);
    }
}
