using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using NativeMm.Diagnostics;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Teardown;

/// <content>A thread inside.</content>
internal abstract partial class TeardownJob
{
    /// <summary>Frames after which a thread of the workers lets others on its core go first.</summary>
    internal const long YieldFrames = 10_000;

    private SpinLock<NoLockStatistics> _controlling;
    private WidthControl _control;
    private int _isNarrow;
    private long _reported;
    private int _reporting;

    /// <summary>Threads that are wanted at this moment. A hint.</summary>
    internal int Width => Atomic.LoadAcquire(in _width);

    /// <summary>Whether one more thread would find something to do, as far as is known.</summary>
    internal bool WantsThread => Word is { Phase: JobPhase.Queued or JobPhase.Running } word && word.Inside < Width;

    /// <summary>Whether something is left that nobody has taken.</summary>
    internal bool HasWork => HasRest();

    /// <summary>Whether the calling thread is inside of the listener: the job cannot end before it is out of there.</summary>
    internal bool IsReportingHere => Atomic.LoadAcquire(in _reporting) == Environment.CurrentManagedThreadId;

    /// <summary>Whether it is in the list of the workers. Guarded by their lock.</summary>
    internal bool IsListed { get; set; }

    /// <summary>The next job in the list.</summary>
    internal TeardownJob? Next { get; set; }

    /// <summary>The job before.</summary>
    internal TeardownJob? Previous { get; set; }

    /// <summary>Comes inside, if it wants a thread and is not through.</summary>
    /// <param name="width">How many may be inside: <see cref="Width"/> for a worker, <see cref="WidthMax"/> for who waits for the job.</param>
    internal bool TryEnter(int width)
    {
        uint bits;
        JobWord next;
        do
        {
            bits = Atomic.LoadAcquire(in _word);
            if (!new JobWord(bits).TryEnter(int.Min(width, WidthMax), out next))
            {
                return false;
            }
        }
        while (!Atomic.CompareExchange(ref _word, bits, next.Bits));

        return true;
    }

    /// <summary>
    /// Works until nothing can be taken any more, the job is cancelled, or the thread is one too many; and finishes the job when all others have left.
    /// After <see cref="TryEnter"/>, once. Nothing of the job may be touched afterwards by who is not its owner.
    /// </summary>
    /// <param name="isWorker">Whether the thread is one of the workers, and not somebody who waits for the job.</param>
    internal void WorkInside(bool isWorker)
    {
        Invariant.Assert(Word is { Phase: JobPhase.Running, Inside: > 0 }, $"A thread works inside of a job that is {Phase}, with {Inside} threads.");
        NoteWidth();
        int slot = TakeSlot();
        bool again;
        do
        {
            bool isTooMany = Work(ref _slots[slot], isWorker);
            Atomic.StoreRelease(ref _slots[slot].Owner, 0); // [W5] pairs with [W6]
            again = !TryLeave(isTooMany, out bool isLast);
            if (again)
            {
                slot = TakeSlot();
            }
            else if (isLast)
            {
                End();
            }
        }
        while (again);
    }

    private void NoteWidth()
    {
        int inside = Inside;
        int reached;
        while (inside > (reached = Atomic.LoadAcquire(in _widthReached)) && !Atomic.CompareExchange(ref _widthReached, reached, inside))
        {
        }
    }

    private void BeginThreads()
    {
        _widthReached = 0;
        _width = 1;
        _isNarrow = 0;
        _reported = 0;
        _control = new WidthControl(WidthMax, Workers.Options.MinimumGain, (long)(Workers.Options.StepTime.TotalSeconds * Stopwatch.Frequency));
    }

    /// <summary>A slot without an owner, with a piece if there is one. Fewer threads are inside than there are slots.</summary>
    private int TakeSlot()
    {
        for (bool any = false; ; any = true)
        {
            for (int i = 0; i < _slots.Length; i++)
            {
                ref PieceSlot slot = ref _slots[i];
                if (Atomic.LoadAcquire(in slot.Owner) == 0 && (any || HasPiece(ref slot)) && Atomic.CompareExchange(ref slot.Owner, 0, 1)) // [W6] pairs with [W5]
                {
                    return i;
                }
            }
        }
    }

    private static bool HasPiece(ref PieceSlot slot)
    {
        slot.Lock.Enter();
        bool has = !slot.Piece.IsEmpty;
        slot.Lock.Exit();
        return has;
    }

    /// <returns>Whether it stopped because it is one too many.</returns>
    private bool Work(ref PieceSlot own, bool isWorker)
    {
        Invariant.Assert(Atomic.LoadAcquire(in own.Owner) == 1, "A thread works from a slot that it has not taken.");
        long frames = 0;
        long cpu = ThreadScheduling.CpuNanoseconds;
        while (!IsCancelled)
        {
            if (!TryTake(ref own, out WorkPiece bite))
            {
                if (TrySteal(ref own))
                {
                    continue;
                }

                break;
            }

            frames += StepSafely(bite);
            long since = cpu;
            cpu = ThreadScheduling.CpuNanoseconds;
            Atomic.Add(ref _cpuNanoseconds, cpu - since);
            Control();
            Report(isLast: false);
            if (isWorker && Inside > Width)
            {
                // What is left of its piece is anybody's.
                return true;
            }

            if (isWorker && frames >= YieldFrames)
            {
                frames = 0;
                Thread.Yield();
            }
        }

        Narrow();
        return false;
    }

    /// <summary>Leaves, unless something is left and nobody else is there, or the thread is not one too many any more.</summary>
    private bool TryLeave(bool onlyIfTooMany, out bool isLast)
    {
        while (true)
        {
            uint bits = Atomic.LoadAcquire(in _word);
            var word = new JobWord(bits);
            Invariant.Assert(word is { Phase: JobPhase.Running, Inside: > 0 }, $"A thread leaves a job that is {word.Phase}, with {word.Inside} threads.");
            isLast = !word.TryLeave(out JobWord next);
            if (isLast)
            {
                next = JobWord.Finishing;
            }

            if (!IsCancelled && (isLast ? HasRest() : onlyIfTooMany && word.Inside <= Width))
            {
                return false;
            }

            if (Atomic.CompareExchange(ref _word, bits, next.Bits)) // [W1] pairs with [W2]
            {
                return true;
            }
        }
    }

    private bool AreSlotsFree()
    {
        bool areFree = true;
        foreach (ref PieceSlot slot in _slots.AsSpan())
        {
            areFree &= Atomic.LoadAcquire(in slot.Owner) == 0;
        }

        return areFree;
    }

    private bool HasRest()
    {
        bool has = false;
        foreach (ref PieceSlot slot in _slots.AsSpan())
        {
            has |= HasPiece(ref slot);
        }

        return has;
    }

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "It reaches whoever waits; what is left must be done all the same.")]
    private bool TryTake(ref PieceSlot own, out WorkPiece bite)
    {
        bite = default;
        bool has = false;
        own.Lock.Enter();
        try
        {
            has = !own.Piece.IsEmpty && TryBite(ref own.Piece, out bite);
        }
        catch (Exception failure)
        {
            Keep(failure);
        }

        if (!has)
        {
            own.Piece = default;
        }

        own.Lock.Exit();
        return has;
    }

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "It reaches whoever waits; what is left must be done all the same.")]
    private bool TrySteal(ref PieceSlot own)
    {
        WorkPiece stolen = default;
        foreach (ref PieceSlot other in _slots.AsSpan())
        {
            other.Lock.Enter();
            try
            {
                if (!other.Piece.IsEmpty && Atomic.LoadAcquire(in other.Owner) == 0)
                {
                    stolen = other.Piece;
                    other.Piece = default;
                }
                else if (!other.Piece.IsEmpty && !TrySplit(ref other.Piece, out stolen))
                {
                    stolen = default;
                }
            }
            catch (Exception failure)
            {
                Keep(failure);
            }

            other.Lock.Exit();
            if (!stolen.IsEmpty)
            {
                // Nobody else puts anything into the slot of a thread that works from it.
                Invariant.Assert(own.Owner == 1 && own.Piece.IsEmpty, "A thread takes from others before its own piece is through.");
                own.Lock.Enter();
                own.Piece = stolen;
                own.Lock.Exit();
                return true;
            }
        }

        return false;
    }

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "It reaches whoever waits; what is left must be done all the same.")]
    private long StepSafely(WorkPiece bite)
    {
        try
        {
            Invariant.Assert(!bite.IsEmpty, "A thread does a step of nothing.");
            StepDone done = Step(bite);
            Atomic.Add(ref _frames, done.Frames);
            Atomic.Add(ref _bytesDone, done.Bytes);
            Atomic.Add(ref _steps, 1);
            return done.Frames;
        }
        catch (Exception failure)
        {
            Keep(failure);
            return 0;
        }
    }

    private void Control()
    {
        if (WidthMax == 1 || !_controlling.TryEnter())
        {
            return;
        }

        bool more = false;
        if (_control.Observe(Stopwatch.GetTimestamp(), Frames, Atomic.LoadAcquire(in _steps), Inside) && Atomic.LoadAcquire(in _isNarrow) == 0)
        {
            more = _control.Width > _width;
            Atomic.StoreRelease(ref _width, _control.Width);
        }

        _controlling.Exit();
        if (more)
        {
            Workers.Wake();
        }
    }

    /// <summary>Whoever found nothing to take says so: nobody who came would find more.</summary>
    private void Narrow()
    {
        if (!IsCancelled)
        {
            Atomic.StoreRelease(ref _isNarrow, 1);
            Atomic.StoreRelease(ref _width, int.Max(1, int.Min(Inside - 1, Width)));
        }
    }

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "What a listener throws reaches whoever waits.")]
    private void Report(bool isLast)
    {
        if (Listener is not { } listener || (!isLast && Stopwatch.GetElapsedTime(Atomic.LoadAcquire(in _reported)) < Workers.Options.StepTime)
            || !Atomic.CompareExchange(ref _reporting, 0, Environment.CurrentManagedThreadId))
        {
            return;
        }

        try
        {
            Atomic.StoreRelease(ref _reported, Stopwatch.GetTimestamp());
            listener.Report(Progress);
        }
        catch (Exception failure)
        {
            Keep(failure);
        }

        Atomic.StoreRelease(ref _reporting, 0);
    }

    /// <summary>The end, on the last thread. Nobody else is inside, and the job is out of the list before it is its owner's again.</summary>
    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "It reaches whoever waits.")]
    private void End()
    {
        Invariant.Assert(Word == JobWord.Finishing && AreSlotsFree(), "A job ends while threads are inside.");
        bool isDone = !HasRest();
        try
        {
            Finish(isDone);
        }
        catch (Exception failure)
        {
            Keep(failure);
        }

        // In there the job is still known: whoever would wait for it finds that he is inside of its listener.
        Report(isLast: true);
        LetGo(isDone);
        Workers.Remove(this, isDone);
        (Action<Exception?, bool>? completion, Exception? first) = (Completion, _failure);
        Atomic.StoreRelease(ref _word, new JobWord(isDone ? JobPhase.Done : JobPhase.Abandoned).Bits); // [W3] pairs with [W4]
        try
        {
            completion?.Invoke(first, isDone);
        }
        catch (Exception)
        {
            // Without managed memory nobody can be told.
        }
    }
}
