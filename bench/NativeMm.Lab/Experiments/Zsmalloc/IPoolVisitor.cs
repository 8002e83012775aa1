namespace NativeMm.Lab.Experiments.Zsmalloc;

/// <summary>Something that is to be done with one pool.</summary>
/// <typeparam name="TResult">What comes of it.</typeparam>
internal interface IPoolVisitor<TResult>
{
    /// <summary>Called with the pool.</summary>
    TResult Visit<TPool>(TPool pool)
        where TPool : struct, IPoolUnderTest;
}
