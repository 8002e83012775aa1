namespace NativeMm.Lab.Recording;

/// <summary>What an event of the preloaded library says; the numbers are those of <c>Native/record.c</c>.</summary>
internal enum RecordedOperation : byte
{
    /// <summary>The place was taken and never filled: the program ended in between.</summary>
    None = 0,

    /// <summary>A block is there.</summary>
    Allocate = 1,

    /// <summary>A block that reads as zero is there.</summary>
    AllocateZeroed = 2,

    /// <summary>A block is about to go back.</summary>
    Release = 3,

    /// <summary>A block is about to change its size.</summary>
    ReallocateBegin = 4,

    /// <summary>It has, or at address 0: it was refused and is as it was.</summary>
    ReallocateEnd = 5,
}
