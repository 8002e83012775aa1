using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Faulty.Runtime;

/// <summary>A process whose managed memory is full must be able to give everything back.</summary>
public sealed class GiveBackAllocationTests
{
    // The first calls load types and fill what lives as long as the process.
    private const int WarmUps = 2;
    private const int Attempts = 5;

    // An empty list, by which the framework's meter takes the place of the one with its instruments.
    private const long MeterBytes = 32;

    public static TheoryData<string> Verbs
    {
        get
        {
            using var verbs = new GiveBackVerbs();
            return [.. verbs.Names];
        }
    }

    [LinuxTheory]
    [MemberData(nameof(Verbs))]
    public void To_give_back_takes_no_managed_memory(string verb)
    {
        using var verbs = new GiveBackVerbs();
        long least = long.MaxValue;
        for (int attempt = 0; attempt < WarmUps + Attempts && least != 0; attempt++)
        {
            Action giveBack = verbs.Prepare(verb);
            long before = GC.GetAllocatedBytesForCurrentThread();
            giveBack();
            long bytes = GC.GetAllocatedBytesForCurrentThread() - before;

            // What the verb itself takes, it takes each time; the rest of a buffer of this thread is counted now and then, and so is what a listener does.
            least = attempt < WarmUps ? least : long.Min(least, bytes);
        }

        Assert.InRange(least, 0, verb.EndsWith("the meter", StringComparison.Ordinal) ? MeterBytes : 0);
    }
}
