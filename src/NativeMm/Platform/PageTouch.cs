using NativeMm.Primitives;

namespace NativeMm.Platform;

/// <summary>Makes pages resident by writing to them without changing them.</summary>
internal static unsafe class PageTouch
{
    /// <summary>Touches every page of a range. Safe beside other writers: the write is an atomic OR with nothing.</summary>
    public static void Write(nuint address, nuint bytes, nuint pageBytes)
    {
        for (nuint offset = 0; offset < bytes; offset += pageBytes)
        {
            _ = Atomic.Or(ref *(uint*)(address + offset), 0);
        }
    }
}
