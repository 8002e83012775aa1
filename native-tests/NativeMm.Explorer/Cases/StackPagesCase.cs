using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;
using NativeMm.Heap;
using NativeMm.Platform;
using StackPages = NativeMm.Platform.StackPages<NativeMm.Heap.ThreadCache>;

namespace NativeMm.Explorer.Cases;

/// <summary>A thread has ended and its cache is about to get another owner; meanwhile a new thread enters a page that shares the dead one's entry.</summary>
internal sealed unsafe class StackPagesCase : Case
{
    /// <summary>Pages so far apart share an entry.</summary>
    private static readonly nuint s_distance = (nuint)1 << 32;

    private static readonly nuint s_deadPage = (nuint)5 << 33;
    private static readonly nuint s_livePage = s_deadPage + s_distance;

    public override string Claim => "no page leads to a cache that gets another owner, and a living thread's entry stays";

    public override IReadOnlyList<BadCopy> BadCopies => [new("StackPages[P1]"), new("StackPages[P2]")];

    public override void Prepare(Plan plan)
    {
        nuint* entry = StackPages.EntryOf(s_deadPage);
        (entry[0], entry[1]) = (0, 0);
        var dead = (ThreadCache*)Arena.Take(ThreadCache.Bytes);
        var live = (ThreadCache*)Arena.Take(ThreadCache.Bytes);
        StackPages.Enter(dead, s_deadPage);
        entry[0] = 0; // the system, as the thread ended
        bool isEntered = false;
        plan.Thread("new thread", () =>
            {
                StackPages.Enter(live, s_livePage);
                isEntered = StackPages.Knows(StackPages.EntryOf(s_livePage), s_livePage);
                Plan.Check(!isEntered || StackPages.Of(StackPages.EntryOf(s_livePage)) == live, "a page leads to another thread's cache");
            })
            .Thread("adopter", () => Plan.Check(StackPages.Forget(dead), "the dead thread's cache counts as reachable"))
            .AtEnd(() =>
            {
                Plan.Check(StackHold.Entry(ThreadCache.HoldOf(dead), 0) == 0, "the dead cache still has an entry");
                Plan.Check(isEntered, "a living thread's page was not entered");
            });
    }
}
