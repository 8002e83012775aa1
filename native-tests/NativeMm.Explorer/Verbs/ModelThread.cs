using NativeMm.Explorer.Machine;

namespace NativeMm.Explorer.Verbs;

/// <summary>Stands in for what the library asks of threads, cores and the clock.</summary>
public static unsafe class ModelThread
{
    private const int FirstId = 101;

    public static Thread CurrentThread => Execution.HasStrand ? Execution.Current.Thread : Thread.CurrentThread;

    public static int CurrentManagedThreadId => Execution.HasStrand ? FirstId + Execution.Current.Number : Environment.CurrentManagedThreadId;

    /// <summary>The number that the system has for the calling thread.</summary>
    public static int SystemId() => CurrentManagedThreadId;

    /// <summary>Whether the system has no such thread any more.</summary>
    public static bool IsGone(int id)
    {
        Execution.Observe();
        foreach (Strand strand in Execution.Strands)
        {
            if (id == FirstId + strand.Number)
            {
                return IsSeenGone(strand);
            }
        }

        return false;
    }

    /// <summary>The bounds of the calling thread's stack: in the model every place is in it.</summary>
    public static bool TryGetStackBounds(out nuint low, out nuint high)
    {
        (low, high) = (1, nuint.MaxValue);
        return true;
    }

    /// <summary>Names a word that is to be zero when the calling thread has ended.</summary>
    public static bool TryWatch(int index, ulong* word)
    {
        if (Execution.HasStrand)
        {
            Execution.Current.EndWords[index] = (nuint)word;
        }

        return true;
    }

    public static bool IsAlive(Thread thread)
    {
        Strand? strand = Find(thread);
        Execution.Observe();
        return strand is null ? thread.IsAlive : !IsSeenGone(strand);
    }

    public static bool Join(Thread thread, int milliseconds)
    {
        Strand? strand = Find(thread);
        if (strand is null)
        {
            return thread.Join(milliseconds);
        }

        Execution.Join(strand);
        return strand.State == StrandState.Done;
    }

    /// <summary>Every strand has a core to itself.</summary>
    public static int GetCurrentProcessorId() => Execution.HasStrand ? Execution.CoreOf(Execution.Current.Number) : 0;

    public static int ProcessorCount => 2;

    public static long TickCount64 => Execution.Clock;

    public static long GetTimestamp() => Execution.Clock;

    /// <summary>Any wait in a loop.</summary>
    public static void Wait() => Execution.Wait(patient: false);

    public static bool Yield()
    {
        Execution.Wait(patient: true);
        return true;
    }

    public static void SpinWait(int iterations) => Execution.Wait(patient: true);

    public static void Sleep(int milliseconds) => Execution.Wait(patient: true);

    private static bool IsSeenGone(Strand strand)
    {
        if (strand.State != StrandState.Done)
        {
            return false;
        }

        Execution.SeeEnd(strand);
        return true;
    }

    private static Strand? Find(Thread thread)
    {
        foreach (Strand strand in Execution.Strands)
        {
            if (strand.Thread == thread)
            {
                return strand;
            }
        }

        return null;
    }
}
