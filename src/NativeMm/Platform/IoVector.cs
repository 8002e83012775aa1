namespace NativeMm.Platform;

/// <summary>One piece of a gathered write: <c>struct iovec</c>.</summary>
internal struct IoVector
{
    /// <summary>First byte.</summary>
    public nint Address;

    /// <summary>Length in bytes.</summary>
    public nuint Bytes;
}
