using NativeMm.Primitives;

namespace NativeMm.Heap;

/// <summary>One magazine that is being emptied, between the two halves of the theft.</summary>
/// <param name="cache">Its cache, whose guard the thief holds.</param>
/// <param name="sizeClass">Its class.</param>
/// <param name="theft">What the first half found.</param>
internal readonly unsafe struct CacheTheft(ThreadCache* cache, int sizeClass, MagazineTheft theft)
{
    public readonly ThreadCache* Cache = cache;
    public readonly int SizeClass = sizeClass;
    public readonly MagazineTheft Theft = theft;
}
