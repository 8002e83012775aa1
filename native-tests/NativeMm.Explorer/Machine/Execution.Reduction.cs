// Purpose      leaves executions out that differ from others in the order of steps alone that commute.
// How          a strand was stopped before its step s, others did σ, and it goes on with s. If nothing in σ touches what s touches, unless both only read it, s may as well come
//              before σ: the same values are read, and the strand is stopped one step later, or ends there. That execution has as many preemptions and stale reads, or
//              fewer, and is searched too; this one ends as a redundant one.
// Early, late  what s touches is one word, and known when the strand is stopped: so it is not let in before somebody did something that concerns the word. What it does
//              without the model until its next step goes along with s. Where races are findings, memory that s and σ share without a word that orders them is a race
//              in either order. Where they are not, it counts as well: the strand goes on, and at its next step it is seen whether all of that commutes.
// Fences       full fences are in one order, which decides what may be read late: two of them commute only when no late read was left when the strand was stopped.
//              A process-wide fence acts on all strands and commutes with nothing.
// Invariants   that are looked at after each step would miss states: cases that have some are searched whole.
// Source       persistent and sleep sets (Godefroid 1996); for what a bound on preemptions asks of them: Coons, Musuvathi and McKinley 2013.

namespace NativeMm.Explorer.Machine;

/// <content>Which steps commute.</content>
internal static unsafe partial class Execution
{
    // The step at which each strand last passed a full fence, and a process-wide one.
    private static readonly int[] s_fencedAt = new int[Views.Clocks];
    private static readonly int[] s_fencedAllAt = new int[Views.Clocks];

    // What the strand that runs touched since it went on, as long as that is of interest: an address, and the lowest bit for a write.
    private static readonly List<nuint> s_touched = [];
    private static int s_stoppedAt;
    private static bool s_fencesMatter;

    /// <summary>Whether the case allows to leave redundant executions out.</summary>
    public static bool IsReduced { get; set; }

    /// <summary>Whether the last execution ended early, because another one stands for it.</summary>
    public static bool IsRedundant { get; private set; }

    private static bool Reduces => IsReduced && s_eachStep is null;

    private static bool ReducesEarly => Reduces && Races.AreWatched;

    /// <summary>The strand that runs touches memory without the model.</summary>
    public static void NotePlain(nuint address, int size, bool isWrite)
    {
        if (Reduces && !Races.AreWatched)
        {
            NoteTouch(address, size, isWrite);
        }
    }

    private static void ResetReduction()
    {
        IsRedundant = false;
        s_stoppedAt = 0;
        Array.Clear(s_fencedAt);
        Array.Clear(s_fencedAllAt);
        Touches.Reset();
    }

    private static void EndAsRedundant()
    {
        IsRedundant = true;
        Trace.Note(s_current, "another execution stands for this one");
        Fibers.Switch(s_current.Number, Fibers.Main);
    }

    private static void NoteTouch(nuint address, int size, bool isWrite)
    {
        if (!Reduces)
        {
            return;
        }

        Touches.Note(address, size, s_current.Number, isWrite, s_steps);
        for (nuint at = address; s_stoppedAt != 0 && at < address + (nuint)Math.Max(size, 1); at = (at | 7) + 1)
        {
            s_touched.Add((at & ~(nuint)1) | (isWrite ? 1u : 0));
        }
    }

    /// <summary>Before anybody asks what commutes with it: what the strand that runs stored without the model.</summary>
    private static void SeePlainStoresIfReduced()
    {
        if (!ReducesEarly)
        {
            return;
        }

        foreach (Strand strand in Strands)
        {
            if (strand.StoppedAt != 0)
            {
                SeePlainStores();
                return;
            }
        }
    }

    /// <summary>Whether the step that a strand was stopped before is known to commute with all that the others did since.</summary>
    private static bool Commutes(Strand strand) =>
        ReducesEarly && strand.StoppedAt != 0 && strand.NextStep != StepKind.Any
        && !HaveOthersFenced(strand, strand.NextStep == StepKind.Change && strand.StaleReadsBefore < s_bounds.StaleReads, strand.StoppedAt)
        && !Touches.AreOthers(strand.NextWord, strand.Number, strand.NextStep != StepKind.Read, strand.StoppedAt);

    /// <summary>A strand goes on with the step that it was stopped before.</summary>
    private static void GoOn(Strand strand)
    {
        if (Reduces && !Races.AreWatched && strand.NextStep != StepKind.Any)
        {
            s_touched.Clear();
            s_stoppedAt = strand.StoppedAt;
            s_fencesMatter = strand.StaleReadsBefore < s_bounds.StaleReads;
            s_fencedAt[strand.Number] = 0;
        }

        strand.GoOn();
    }

    /// <summary>The strand that runs is at the end of the step with which it went on: if all of it commutes with what the others did, the execution is redundant.</summary>
    private static void JudgeStep()
    {
        int stoppedAt = s_stoppedAt;
        if (stoppedAt == 0)
        {
            return;
        }

        s_stoppedAt = 0;
        Strand strand = s_current;
        SeePlainStores();
        if (HaveOthersFenced(strand, s_fencesMatter && s_fencedAt[strand.Number] != 0, stoppedAt))
        {
            return;
        }

        foreach (nuint touched in s_touched)
        {
            if (Touches.AreOthers(touched & ~(nuint)1, strand.Number, (touched & 1) != 0, stoppedAt))
            {
                return;
            }
        }

        EndAsRedundant();
    }

    private static bool HaveOthersFenced(Strand strand, bool fences, int after)
    {
        for (int i = 0; i < s_count; i++)
        {
            if (i != strand.Number && (s_fencedAllAt[i] > after || (fences && s_fencedAt[i] > after)))
            {
                return true;
            }
        }

        return false;
    }
}
