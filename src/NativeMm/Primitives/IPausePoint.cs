namespace NativeMm.Primitives;

/// <summary>
/// A named place in a lock-free algorithm where a race test may hold a thread. Algorithms take it as a struct type parameter;
/// <see cref="NoPause"/> leaves no instruction behind.
/// </summary>
internal interface IPausePoint
{
    /// <summary>Called by the algorithm when it reaches the place.</summary>
    /// <param name="name">The name of the place.</param>
    static abstract void Reach(string name);
}
