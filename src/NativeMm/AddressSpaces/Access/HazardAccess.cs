using System.Runtime.CompilerServices;
using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <summary>The two ends of an access: the hazard and the way to the entry, and the end of the hazard. Both sides of every hit.</summary>
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

    /// <summary>The same with the map of leaves, by two loads less.</summary>
    /// <param name="word">A word of the calling thread's slot.</param>
    /// <param name="hazard">The page and its space.</param>
    /// <param name="leaves">Where the words of the map are kept (<see cref="LeafMap.Words"/>).</param>
    /// <param name="leaf">The number of the page's leaf, below <see cref="LeafMap.Leaves"/>.</param>
    /// <returns>The page's leaf, to be read with the hazard; null when the map does not tell.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong* BeginByMap(ref ulong word, ulong hazard, ref nuint leaves, ulong leaf)
    {
        Atomic.StoreRelease(ref word, hazard); // [H1] pairs with [H2]
        return (ulong*)Atomic.LoadRelaxed(in ((ulong*)Atomic.LoadAcquire(in leaves))[leaf]); // [M2] pairs with [M1]
    }

    /// <summary>Ends the hazard.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void End(ref ulong word) => Atomic.StoreRelease(ref word, 0); // [H3] pairs with [H2]
}
