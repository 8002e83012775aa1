using NativeMm.Tests.Support;
using NativeMm.Tests.Unit;
using Xunit;

namespace NativeMm.Tests.Faulty.Runtime;

/// <summary>A process whose managed memory is full must be able to give everything back.</summary>
public sealed class GiveBackAllocationTests
{
    // The first calls load types and fill what lives as long as the process.
    private const int WarmUps = 2;

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
        long least = ManagedBytes.Least(() => verbs.Prepare(verb), WarmUps);
        Assert.InRange(least, 0, verb.EndsWith("the meter", StringComparison.Ordinal) ? MeterBytes : 0);
    }

    /// <summary>The control: what a listener takes would fail the test above, and is told from what the verb takes.</summary>
    [LinuxFact]
    public void What_is_told_to_a_listener_takes_managed_memory_and_does_not_count()
    {
        using var verbs = new GiveBackVerbs();
        const string Leaks = "ZsPool.Dispose";
        verbs.Prepare(Leaks)();
        var listener = new EventRecorder();
        Action giveBack = verbs.Prepare(Leaks);
        long before = GC.GetAllocatedBytesForCurrentThread();
        giveBack();
        Assert.NotEqual(0, GC.GetAllocatedBytesForCurrentThread() - before);

        using var leaves = new Timer(_ => listener.Dispose(), null, dueTime: 50, Timeout.Infinite);
        Assert.Equal(0, ManagedBytes.Least(() => verbs.Prepare(Leaks), WarmUps));
    }
}
