using System.Runtime.CompilerServices;
using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <summary>The two ends of an access: the hazard and the entry before it, and the end of the hazard. Both sides of every hit.</summary>
internal static unsafe class HazardAccess
{
    /// <summary>Says that the thread uses a page, then reads its entry. When the entry hits, its frame may be used until <see cref="End"/>.</summary>
    /// <param name="word">A word of the calling thread's slot.</param>
    /// <param name="hazard">The page and its space.</param>
    /// <param name="root">Where the root of the tables is kept.</param>
    /// <param name="page">The page.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong* Begin(ref ulong word, ulong hazard, ref nuint root, ulong page)
    {
        Atomic.StoreRelease(ref word, hazard); // [H1] pairs with [H2]
        return PageTables.EntryOf((ulong*)Atomic.LoadAcquire(in root), page);
    }

    /// <summary>Ends the hazard.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void End(ref ulong word) => Atomic.StoreRelease(ref word, 0); // [H3] pairs with [H2]
}
