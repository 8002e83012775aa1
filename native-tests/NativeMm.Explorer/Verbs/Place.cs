using System.Runtime.CompilerServices;
using NativeMm.Explorer.Machine;

namespace NativeMm.Explorer.Verbs;

/// <summary>The rewritten library says here where in its source it is, around each call that leads to something atomic.</summary>
public static class Place
{
    /// <summary>Comes to a place.</summary>
    /// <param name="site">The place's number, and in the upper half its label's; without a label that of the caller stays.</param>
    /// <returns>What to hand to <see cref="Leave"/>.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Enter(int site)
    {
        Strand strand = Execution.Current;
        int before = strand.Site;
        strand.Site = Sites.Within(before, site);
        return before;
    }

    /// <summary>Goes back.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Leave(int before) => Execution.Current.Site = before;
}
