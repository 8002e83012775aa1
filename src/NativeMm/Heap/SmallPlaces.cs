using System.Runtime.CompilerServices;
using NativeMm.Primitives;

namespace NativeMm.Heap;

/// <summary>
/// For each size up to <see cref="SizeClass.SmallBytesMax"/> the place of its magazine in a <see cref="ThreadCache"/>: three instructions to look up where
/// arithmetic takes eight. A byte for each 16 bytes of size, rounded up.
/// </summary>
internal static unsafe class SmallPlaces
{
    private const int Units = (SizeClass.SmallBytesMax / 16) + 1;

    /// <summary>Makes the table.</summary>
    /// <param name="table">Its address: lines that nobody writes, and that do not move.</param>
    /// <returns>What keeps it.</returns>
    public static byte[] Make(out nuint table)
    {
        byte[] memory = GC.AllocateArray<byte>(Units + (2 * CacheLine.Isolation), pinned: true);
        table = ((nuint)Unsafe.AsPointer(ref memory[0]) + CacheLine.Isolation) & ~(nuint)(CacheLine.Isolation - 1);
        for (int unit = 0; unit < Units; unit++)
        {
            ((byte*)table)[unit] = ThreadCache.PlaceOf(SizeClass.ForBytes((nuint)Math.Max(unit * 16, 1)));
        }

        return memory;
    }

    /// <summary>The place for a size.</summary>
    /// <param name="table">From <see cref="Make"/>.</param>
    /// <param name="bytes">0 to <see cref="SizeClass.SmallBytesMax"/>; 0 counts as 1.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static nuint Of(nuint table, nuint bytes) => ((byte*)table)[(bytes + 15) >> 4];
}
