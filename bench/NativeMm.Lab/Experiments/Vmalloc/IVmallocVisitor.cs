namespace NativeMm.Lab.Experiments.Vmalloc;

/// <summary>Something that is to be done with one source of contiguous pages.</summary>
/// <typeparam name="TResult">What comes of it.</typeparam>
internal interface IVmallocVisitor<TResult>
{
    /// <summary>Called with the source.</summary>
    TResult Visit<TRanges>(TRanges ranges)
        where TRanges : struct, IVmallocUnderTest;
}
