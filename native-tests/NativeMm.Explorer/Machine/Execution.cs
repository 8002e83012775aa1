// Purpose      runs the strands of a case one at a time and decides, at each step, who goes on and what a read gives.
// How          a step is an atomic operation. Before it the strand that runs may be stopped for another one (a preemption, of which an execution has a
//              bounded number); in it a read may give an older store than the newest (Execution.Memory). Each decision is a choice of the search.
// Waiting      a loop that waits says so (Backoff, Yield). Its strand goes on when one of the words that it read since its last wait has a store that it
//              does not know. When nobody can go on, first those go on that only gave way, then the clock jumps, for waits with a deadline; after
//              that the execution stands for ever, which is a finding.
// Source       stateless model checking: VeriSoft (Godefroid 1997), CHESS (bounded preemptions, Musuvathi and Qadeer 2007).

using System.Runtime.CompilerServices;

namespace NativeMm.Explorer.Machine;

/// <summary>The execution that runs at this moment. One thread of the process uses it.</summary>
internal static unsafe partial class Execution
{
    private const int PatienceMax = 200;
    private const int JumpsMax = 4;
    private const long JumpMilliseconds = 3_600_000;

    private static readonly Strand[] s_strands = [new(0), new(1), new(2), new(3)];

    private static int s_count;
    private static Strand s_current = s_strands[0];
    private static bool s_isActive;
    private static int s_steps;
    private static int s_preemptions;
    private static int s_staleReads;
    private static int s_patience;
    private static int s_jumps;
    private static Bounds s_bounds = new();
    private static Action? s_eachStep;

    /// <summary>Whether the strands of a case run; otherwise every verb acts on memory as the real one does.</summary>
    public static bool IsActive
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => s_isActive;
    }

    /// <summary>Whether a strand acts, on the model or before it.</summary>
    public static bool HasStrand { get; private set; }

    /// <summary>The strand that runs, or the first one.</summary>
    public static Strand Current => s_current;

    /// <summary>What went wrong in this execution.</summary>
    public static string? Failure { get; private set; }

    /// <summary>Milliseconds on the clock of the model.</summary>
    public static long Clock { get; private set; } = JumpMilliseconds;

    /// <summary>Steps of all executions.</summary>
    public static long Steps { get; private set; }

    /// <summary>The label whose places are weakened, or 0, and how.</summary>
    public static (int Label, Weakening Kind) Mutation { get; set; }

    /// <summary>Which core a strand runs on at this moment, or null: each has its own.</summary>
    public static Func<int, int>? Cores { get; set; }

    /// <summary>All strands of the case, for who must recognise a thread.</summary>
    public static ReadOnlySpan<Strand> Strands => s_strands.AsSpan(0, s_count);

    /// <summary>Runs one execution. Afterwards <see cref="Failure"/> says how it went.</summary>
    /// <param name="threads">Names and bodies, two to four, and what each does before the first of them begins, without the model.</param>
    /// <param name="bounds">How much may happen in it.</param>
    /// <param name="eachStep">An invariant to look at after each step, or null.</param>
    public static void Run(IReadOnlyList<(string Name, Action Body, Action? Before)> threads, Bounds bounds, Action? eachStep)
    {
        s_count = threads.Count;
        s_bounds = bounds;
        s_eachStep = eachStep;
        s_steps = s_preemptions = s_staleReads = s_patience = s_jumps = 0;
        Clock = JumpMilliseconds;
        Failure = null;
        ResetMemory();
        ResetReduction();
        for (int i = 0; i < s_count; i++)
        {
            s_strands[i].Reset();
            (s_strands[i].Name, s_strands[i].Body) = (threads[i].Name, threads[i].Body);
            Fibers.Prepare(i, &Enter);
        }

        ThreadStatics.Save(Fibers.Main);
        for (int i = 0; i < s_count; i++)
        {
            if (threads[i].Before is { } before)
            {
                Act(s_strands[i], before);
            }
        }

        s_current = s_strands[Search.Choose(s_count)];
        ThreadStatics.Load(s_current.Number);
        s_isActive = HasStrand = true;
        Fibers.Switch(Fibers.Main, s_current.Number);
        s_isActive = HasStrand = false;
        ThreadStatics.Load(Fibers.Main);
        Steps += s_steps;
    }

    /// <summary>
    /// Before the next execution: does for strands that were left where they were, because an execution failed or stood for another one, what their end would have done to
    /// memory that lies outside of the arena. Else the next case would find threads known that never came by.
    /// </summary>
    public static void EndStrands()
    {
        for (int i = 0; i < s_count; i++)
        {
            foreach (ref nuint word in s_strands[i].EndWords.AsSpan())
            {
                if (word != 0)
                {
                    *(ulong*)word = 0;
                    word = 0;
                }
            }
        }
    }

    /// <summary>Ends the execution with a finding; does not return to a strand.</summary>
    public static void Fail(string what)
    {
        Failure ??= what;
        if (s_isActive)
        {
            Trace.Note(s_current, $"!!! {what}");
            Fibers.Switch(s_current.Number, Fibers.Main);
        }
    }

    /// <summary>A strand waits until something that it read has changed.</summary>
    /// <param name="patient">Whether it would also go on without that.</param>
    public static void Wait(bool patient)
    {
        if (!s_isActive)
        {
            return;
        }

        CountStep();
        Strand strand = s_current;
        strand.State = StrandState.Waiting;
        strand.IsPatient = patient || strand.Watched.IsEmpty;
        Trace.Note(strand, "waits");
        Leave(strand);
        strand.State = StrandState.Ready;
        strand.ForgetWatched();
    }

    /// <summary>All that a strand did that has ended is known here: what a successful join of a thread promises.</summary>
    public static void Join(Strand ended)
    {
        if (s_isActive && ended.State == StrandState.Done)
        {
            Views.Join(s_current.View, ended.View);
        }
    }

    /// <summary>A strand was seen gone: a fence behind that makes known all that it did.</summary>
    public static void SeeEnd(Strand ended)
    {
        if (s_isActive)
        {
            Views.Join(s_current.Read, ended.View);
        }
    }

    /// <summary>A strand is about to ask the system about another one: that is a step of its own.</summary>
    public static void Observe()
    {
        if (s_isActive)
        {
            Step();
        }
    }

    /// <summary>The core that a strand runs on; a case may say otherwise.</summary>
    public static int CoreOf(int strand) => Cores is null ? strand : Cores(strand);

    /// <summary>Ends all that is not a step of the model: what a case checks reads the newest of each word.</summary>
    public static void Quietly(Action look)
    {
        bool active = s_isActive;
        s_isActive = false;
        look();
        s_isActive = active;
    }

    /// <summary>Does something as a strand, without the model.</summary>
    private static void Act(Strand strand, Action what)
    {
        s_current = strand;
        HasStrand = true;
        ThreadStatics.Load(strand.Number);
        what();
        ThreadStatics.Save(strand.Number);
        HasStrand = false;
    }

    /// <summary>The point before an operation on a word, where another strand may run first if the word counts.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Step(nuint address, StepKind kind)
    {
        CountStep();
        if (s_preemptions < s_bounds.Preemptions && (Contention.IsStop(address) || (kind == StepKind.Change && IsFenceTelling())))
        {
            StepPreemptible(address, kind);
        }
    }

    /// <summary>The point before an operation, where another strand may run first.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Step()
    {
        CountStep();
        if (s_preemptions < s_bounds.Preemptions)
        {
            StepPreemptible(0, StepKind.Any);
        }
    }

    private static void CountStep()
    {
        JudgeStep();
        if (s_eachStep is not null)
        {
            Quietly(s_eachStep);
        }

        if (++s_steps > s_bounds.StepsMax)
        {
            Fail($"no end after {s_bounds.StepsMax} steps");
        }
    }

    private static void StepPreemptible(nuint address, StepKind kind)
    {
        Strand strand = s_current;
        SeePlainStoresIfReduced();
        Span<int> ready = stackalloc int[Fibers.Count];
        int count = 1;
        ready[0] = strand.Number;
        for (int i = 0; i < s_count; i++)
        {
            if (s_strands[i] != strand && CanGoOn(s_strands[i]) && !Commutes(s_strands[i]))
            {
                ready[count++] = i;
            }
        }

        int next = count == 1 ? ready[0] : ready[Search.Choose(count)];
        if (next != strand.Number)
        {
            s_preemptions++;
            strand.Stop(s_steps, address, kind, s_staleReads);
            SwitchTo(next);
            GoOn(strand);
        }
    }

    /// <summary>Hands over to whoever can go on, perhaps the strand itself.</summary>
    private static void Leave(Strand strand)
    {
        Span<int> ready = stackalloc int[Fibers.Count];
        int next = -1;
        SeePlainStoresIfReduced();

        while (next < 0)
        {
            int count = 0;
            bool isRedundant = false;
            for (int i = 0; i < s_count; i++)
            {
                if (CanGoOn(s_strands[i]))
                {
                    bool commutes = Commutes(s_strands[i]);
                    isRedundant |= commutes;
                    ready[count] = i;
                    count += commutes ? 0 : 1;
                }
            }

            if (count == 0 && isRedundant)
            {
                EndAsRedundant();
            }

            next = count != 0 ? ready[Search.Choose(count)] : Awake(ready);
        }

        if (next != strand.Number)
        {
            SwitchTo(next);
        }
    }

    /// <summary>Nobody can go on: wakes those who may go on all the same.</summary>
    /// <returns>The strand to go on with, -1 to look again, or the main stack's number when all have ended.</returns>
    private static int Awake(Span<int> ready)
    {
        int waiting = 0;
        int patient = 0;
        for (int i = 0; i < s_count; i++)
        {
            waiting += s_strands[i].State == StrandState.Waiting ? 1 : 0;
            if (s_strands[i].State == StrandState.Waiting && s_strands[i].IsPatient)
            {
                ready[patient++] = i;
            }
        }

        if (waiting == 0)
        {
            return Fibers.Main;
        }

        if (patient != 0 && s_patience++ < PatienceMax)
        {
            return ready[Search.Choose(patient)];
        }

        if (s_jumps++ < JumpsMax)
        {
            s_patience = 0;
            Clock += JumpMilliseconds;
            foreach (Strand strand in Strands)
            {
                strand.State = strand.State == StrandState.Waiting ? StrandState.Ready : strand.State;
            }

            return -1;
        }

        Fail("nobody can go on: " + string.Join(", ", Strands.ToArray().Where(s => s.State == StrandState.Waiting).Select(s => s.Name)) + " wait for ever");
        return Fibers.Main;
    }

    private static bool CanGoOn(Strand strand)
    {
        if (strand.State != StrandState.Waiting)
        {
            return strand.State == StrandState.Ready;
        }

        foreach (int word in strand.Watched)
        {
            if (IsNewTo(strand, word))
            {
                return true;
            }
        }

        return false;
    }

    private static void SwitchTo(int next)
    {
        Strand from = s_current;
        SeePlainStores();
        ThreadStatics.Save(from.Number);
        if (next != Fibers.Main)
        {
            s_current = s_strands[next];
            ThreadStatics.Load(next);
        }

        Fibers.Switch(from.Number, next);
    }

    /// <summary>
    /// What the system does when a thread ends: clears the words that it named, and passes fences of its own before it reports it as gone. Those come some time before that, and
    /// nobody knows when: so they tell those alone who see it gone, as all that it did is part of its view.
    /// </summary>
    private static void EndOfThread(Strand strand)
    {
        foreach (nuint word in strand.EndWords)
        {
            if (word != 0)
            {
                Store(word, sizeof(ulong), 0, null, release: false);
            }
        }

        Views.Join(strand.View, strand.Read);
    }

    private static void Enter()
    {
        Strand strand = s_current;
        try
        {
            strand.Body();
        }
        catch (Exception failure)
        {
            Failure ??= $"{failure.GetType().Name}: {failure.Message}";
            Trace.Note(strand, $"!!! {Failure} {failure.StackTrace}");
        }

        if (Failure is not null)
        {
            Fibers.Switch(strand.Number, Fibers.Main);
        }

        JudgeStep();
        EndOfThread(strand);
        strand.State = StrandState.Done;
        Trace.Note(strand, "ends");
        Leave(strand);
    }
}
