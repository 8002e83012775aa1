using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Heap;

/// <summary>
/// For each size up to <see cref="SizeClass.SmallBytesMax"/> the place of its magazine in a <see cref="ThreadCache"/>: three instructions to look up where
/// arithmetic takes eight. A byte for each 16 bytes of size, rounded up.
/// </summary>
internal static unsafe class SmallPlaces
{
    private const int Units = (SizeClass.SmallBytesMax / 16) + 1;

    /// <summary>Makes the table. It stays as long as the process: whoever runs the hit path reads it.</summary>
    /// <returns>Its address: lines that nobody writes.</returns>
    public static nuint Make()
    {
        if (!SystemPlatform.Current.ReserveTable(Units, closed: false, out nuint table).Succeeded)
        {
            table = (nuint)NativeMemory.AlignedAlloc(Units + CacheLine.Isolation, CacheLine.Isolation);
        }

        for (int unit = 0; unit < Units; unit++)
        {
            ((byte*)table)[unit] = ThreadCache.PlaceOf(SizeClass.ForBytes((nuint)Math.Max(unit * 16, 1)));
        }

        return table;
    }

    /// <summary>The place for a size.</summary>
    /// <param name="table">From <see cref="Make"/>.</param>
    /// <param name="bytes">0 to <see cref="SizeClass.SmallBytesMax"/>; 0 counts as 1.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static nuint Of(nuint table, nuint bytes) => ((byte*)table)[(bytes + 15) >> 4];
}
