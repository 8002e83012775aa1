using NativeMm.Primitives;

namespace NativeMm.Lab.Baselines;

/// <summary>Names an object of a <see cref="ChunkPagePool"/>: its page and its number there.</summary>
/// <param name="page">The page.</param>
/// <param name="number">The object's number in the page.</param>
internal readonly struct ChunkHandle(Pfn page, int number)
{
    /// <summary>The page.</summary>
    public Pfn Page { get; } = page;

    /// <summary>The object's number in the page.</summary>
    public int Number { get; } = number;
}
