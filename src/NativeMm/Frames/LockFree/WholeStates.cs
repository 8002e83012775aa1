namespace NativeMm.Frames;

/// <summary>The child states that blocks of orders 9 and 10 are made of, for one use of them.</summary>
/// <param name="Single">A block of order 9.</param>
/// <param name="First">First half of a block of order 10.</param>
/// <param name="Second">Its second half.</param>
internal readonly record struct WholeStates(ChildState Single, ChildState First, ChildState Second)
{
    /// <summary>The block has an owner.</summary>
    public static WholeStates Allocated => new(ChildState.Huge, ChildState.MaxFirst, ChildState.MaxSecond);

    /// <summary>The block is out of circulation. The word itself says so: no descriptor is written, so none is committed for memory that goes.</summary>
    public static WholeStates Isolated => new(ChildState.Isolated, ChildState.IsolatedFirst, ChildState.IsolatedSecond);
}
