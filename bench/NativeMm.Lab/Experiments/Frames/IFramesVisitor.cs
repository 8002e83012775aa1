namespace NativeMm.Lab.Experiments.Frames;

/// <summary>Something that is to be done with one frame allocator.</summary>
/// <typeparam name="TResult">What comes of it.</typeparam>
internal interface IFramesVisitor<TResult>
{
    /// <summary>Called with the allocator.</summary>
    TResult Visit<TFrames>(TFrames frames)
        where TFrames : struct, IFramesUnderTest;
}
