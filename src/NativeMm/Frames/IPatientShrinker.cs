namespace NativeMm.Frames;

/// <summary>A shrinker that may have to wait for somebody else before it has anything to give. Whoever asks says how long.</summary>
internal interface IPatientShrinker : IShrinker
{
    /// <inheritdoc cref="IShrinker.Shrink"/>
    /// <param name="framesWanted">How many frames the failing allocation needs.</param>
    /// <param name="deadline">When to give up, by <see cref="Environment.TickCount64"/>.</param>
    ulong Shrink(ulong framesWanted, long deadline);
}
