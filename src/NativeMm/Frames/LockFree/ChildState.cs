namespace NativeMm.Frames;

/// <summary>What the 512 frames of one child of a <see cref="FrameTree"/> are used as.</summary>
internal enum ChildState : byte
{
    /// <summary>Single frames and blocks up to order 8; the bitmap tells which are taken.</summary>
    Frames,

    /// <summary>One block of order 9; the bitmap is all zero and unused.</summary>
    Huge,

    /// <summary>First half of one block of order 10.</summary>
    MaxFirst,

    /// <summary>Second half of one block of order 10.</summary>
    MaxSecond,

    /// <summary>The zone ends before this child.</summary>
    Absent,

    /// <summary>An isolated block of order 9.</summary>
    Isolated,

    /// <summary>First half of an isolated block of order 10.</summary>
    IsolatedFirst,

    /// <summary>Second half of an isolated block of order 10.</summary>
    IsolatedSecond,
}
