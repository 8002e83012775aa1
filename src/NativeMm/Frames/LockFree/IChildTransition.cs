namespace NativeMm.Frames;

/// <summary>One step of a <see cref="ChildWord"/>. Implemented by structs, so that the JIT puts the step into the CAS loop.</summary>
internal interface IChildTransition
{
    /// <summary>What the word becomes.</summary>
    /// <returns>Whether the step is possible from this word.</returns>
    bool TryApply(ChildWord word, out ChildWord next);
}
