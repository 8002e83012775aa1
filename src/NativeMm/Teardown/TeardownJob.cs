// Purpose      one release of memory that several threads may work on, each on a piece of it, and that ends once.
// States       _word: JobWord, the phase and the threads inside. Idle: its owner prepares it. Queued: it is in the list of the workers. Running: somebody
//              has come. Finishing: everything was taken, all others have left, and one thread finishes. Done, Abandoned: ended; it may be begun again.
//              A slot: a piece of what is left, and whether a thread works from it (Owner). A piece without an owner is anybody's.
// Transitions  Idle, Done, Abandoned → Queued: the owner, in Begin. Queued, Running → Running + 1 inside: CAS by whoever comes; − 1: CAS by whoever leaves
//              and is not the last. Running, 1 inside → Finishing: CAS by the last, who has seen no piece left, or the cancellation.
//              Finishing → Done, Abandoned: release store by him. A slot is taken by CAS of its Owner from 0 to 1 and given up by a release store of 0.
// Ownership    field             | who writes                       | who reads     | how              | guard
//              _word             | as above                         | anybody       | CAS; acquire     | none
//              piece             | whoever takes from it or steals  | the same      | plain            | lock of the slot
//              sums, _failure    | threads inside                   | anybody       | add, CAS         | none
//              _control          | a thread inside                  | the same      | plain            | _controlling, which nobody waits for
//              Next, Previous    | the workers                      | the same      | plain            | lock of the workers
// Ordering     [W1] the CAS by which a thread leaves is a release of all that it did, and pairs with [W2], the CAS by which the last one finishes: it sees
//              the pieces that others left behind, and all their work is done before the end. [W3] the store of the end is a release and pairs with [W4], the load of
//              whoever waits: he sees the work of all.
//              A thread gives its slot up before it leaves, so the last one finds every piece without an owner but his own.
//              [W5] the release store of a slot's Owner pairs with [W6], the CAS that takes the slot.
// Reuse        a thread may come, take the piece that the last one has not looked at yet, and leave it in a slot that he has: the word counts who came, so his CAS fails
//              and he looks again. A job is out of the list before it ends, so no worker knows one whose owner may begin it again.
// Progress     a thread inside waits for nobody; a stalled one delays the end alone, and its bite. Every bite is taken off its piece before it is done, so a job whose
//              steps throw ends as well.
// Source       work stealing of halves by ranges: Cilk's, and the kernel's ktask/padata jobs; the split along populated subtrees is what V. Babka proposed in review of
//              the kernel's parallel free (2017).

using System.Diagnostics.CodeAnalysis;
using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Teardown;

/// <summary>
/// Work that can be divided: its owner makes it once, where managed memory may be allocated, and begins it as often as it likes, one at a time. Whoever derives says how a
/// bite is taken off a piece, how a piece is halved, and what is done with a bite.
/// </summary>
internal abstract partial class TeardownJob
{
    private readonly PieceSlot[] _slots;
    private uint _word;
    private int _width;
    private int _widthReached;
    private int _cancelled;
    private Exception? _failure;

    // Sums of the threads inside.
    private long _frames;
    private long _bytesDone;
    private long _bytesTotal;
    private long _steps;
    private long _cpuNanoseconds;

    /// <summary>Makes a job that is not begun.</summary>
    /// <param name="workers">Who will work on it, beside whoever waits for it.</param>
    /// <param name="widthMax">Most threads that may work on it at a time; 0 for as many as the workers are.</param>
    protected TeardownJob(TeardownWorkers workers, int widthMax = 0)
    {
        Workers = workers;
        int most = workers.Options.Strategy == TeardownStrategy.Inline ? 1 : workers.Width;
        _slots = new PieceSlot[widthMax != 0 ? int.Min(widthMax, most) : most];
    }

    /// <summary>Who works on it.</summary>
    public TeardownWorkers Workers { get; }

    /// <summary>Most threads that may work on it at a time.</summary>
    public int WidthMax => _slots.Length;

    /// <summary>Where it is.</summary>
    public JobPhase Phase => Word.Phase;

    /// <summary>Whether nobody works on it any more. What was done is seen by whoever sees this.</summary>
    public bool HasEnded => Word.HasEnded; // [W4] pairs with [W3]

    /// <summary>Threads that work on it at this moment.</summary>
    public int Inside => Word.Inside;

    /// <summary>The first exception of a step, or null.</summary>
    public Exception? Failure => Atomic.LoadAcquire(ref _failure);

    /// <summary>Most threads that worked on it at a time.</summary>
    public int WidthReached => Atomic.LoadAcquire(in _widthReached);

    /// <summary>Processor time of all threads that worked on it.</summary>
    public TimeSpan CpuTime => TimeSpan.FromMicroseconds(Atomic.LoadAcquire(in _cpuNanoseconds) / 1000.0);

    /// <summary>Frames that were let go of.</summary>
    public long Frames => Atomic.LoadAcquire(in _frames);

    /// <summary>How far it is.</summary>
    public TeardownProgress Progress =>
        new(Atomic.LoadAcquire(in _bytesDone), Atomic.LoadAcquire(in _bytesTotal), Atomic.LoadAcquire(in _steps), CpuTime);

    /// <summary>Whether it was asked to stop.</summary>
    public bool IsCancelled => Atomic.LoadAcquire(in _cancelled) != 0;

    /// <summary>Who is told of the progress, at most once a step time; set before it is begun. What he throws is kept as a failure.</summary>
    public IProgress<TeardownProgress>? Listener { get; set; }

    /// <summary>
    /// Who is told of the end, on the last thread, when the job is its owner's again: gets the first exception, or null, and whether nothing is left. Set before it is
    /// begun.
    /// </summary>
    public Action<Exception?, bool>? Completion { get; set; }

    private JobWord Word => new(Atomic.LoadAcquire(in _word)); // [W4] pairs with [W3]

    /// <summary>
    /// Makes it ready for <see cref="TeardownWorkers"/>. The owner calls it, and nobody works on it. Allocates nothing.
    /// </summary>
    /// <param name="all">All of the work.</param>
    /// <param name="bytes">Bytes that its steps will report as done.</param>
    public void Begin(WorkPiece all, long bytes)
    {
        Invariant.Check(Phase is JobPhase.Idle or JobPhase.Done or JobPhase.Abandoned, "A teardown job is begun while it is at work.");
        Invariant.Assert(!IsListed && Inside == 0, $"A teardown job is begun while it is in the list of the workers, or {Inside} threads are inside.");
        _cancelled = 0;
        _failure = null;
        _frames = _bytesDone = _steps = _cpuNanoseconds = 0;
        _bytesTotal = bytes;
        foreach (ref PieceSlot slot in _slots.AsSpan())
        {
            slot.Piece = default;
            slot.Owner = 0;
        }

        _slots[0].Piece = all;
        BeginThreads();
        Atomic.StoreRelease(ref _word, new JobWord(JobPhase.Queued).Bits);
    }

    /// <summary>Makes a job ready again that was cancelled with something left, or that a worker could not go on with. As <see cref="Begin"/>.</summary>
    public void BeginAgain()
    {
        Invariant.Check(Phase == JobPhase.Abandoned, "A teardown job that has nothing left is begun again.");
        Invariant.Assert(!IsListed && HasRest() && AreSlotsFree(), "A teardown job that was left with nothing, or with a thread, is begun again.");
        _cancelled = 0;
        _failure = null;
        BeginThreads();
        Atomic.StoreRelease(ref _word, new JobWord(JobPhase.Queued).Bits);
    }

    /// <summary>Has it stop between two steps. What is left stays as it is, and the job is abandoned, unless nothing is.</summary>
    public void Cancel() => Atomic.StoreRelease(ref _cancelled, 1);

    /// <summary>
    /// Takes the next bounded bite off a piece: at most some thousand frames, or one step time. Under a spin lock: short, allocates nothing, calls nobody.
    /// </summary>
    /// <param name="piece">The piece; becomes what is left.</param>
    /// <param name="bite">The bite.</param>
    /// <returns>False when nothing is left; the piece is forgotten.</returns>
    protected abstract bool TryBite(ref WorkPiece piece, out WorkPiece bite);

    /// <summary>Takes about half of the work off a piece, for another thread. Under a spin lock, as <see cref="TryBite"/>.</summary>
    /// <param name="piece">The piece; becomes what is left.</param>
    /// <param name="half">The other half.</param>
    /// <returns>False when it cannot be divided.</returns>
    protected abstract bool TrySplit(ref WorkPiece piece, out WorkPiece half);

    /// <summary>Does a bite, under no lock, beside other threads that do other bites. Allocates no managed memory.</summary>
    protected abstract StepDone Step(WorkPiece bite);

    /// <summary>Ends it, on the last thread, when all is done or it was cancelled. Allocates no managed memory.</summary>
    /// <param name="isDone">Whether nothing is left.</param>
    protected virtual void Finish(bool isDone)
    {
    }

    /// <summary>
    /// Tells whoever else knows the job that it is through: on the last thread, behind the last report of progress, and before the job is its owner's again. Must not throw,
    /// and takes no managed memory.
    /// </summary>
    /// <param name="isDone">Whether nothing is left.</param>
    protected virtual void LetGo(bool isDone)
    {
    }

    /// <summary>Whether it is a part of another job, which answers for its counts.</summary>
    internal virtual bool IsPart => false;

    /// <summary>Counts processor time of others that worked for it.</summary>
    protected void AddCpuTime(TimeSpan time) => Atomic.Add(ref _cpuNanoseconds, (long)time.TotalNanoseconds);

    /// <summary>Changes the bytes in total, for a step that finds less, or more, than was announced.</summary>
    protected void CorrectTotal(long bytes) => Atomic.Add(ref _bytesTotal, bytes);

    /// <summary>Keeps an exception, if it is the first.</summary>
    protected void Keep(Exception failure) => Atomic.CompareExchange(ref _failure, null, failure);
}
