using System.Runtime.InteropServices;

namespace NativeMm.Platform;

/// <summary>What a signal does: <c>struct sigaction</c> of the C library, which glibc and musl lay out alike on x64 and arm64.</summary>
[StructLayout(LayoutKind.Explicit, Size = 152)]
internal struct SignalAction
{
    /// <summary>A forbidden access to memory.</summary>
    public const int SegmentationFault = 11;

    /// <summary><see cref="Handler"/>: the process ends.</summary>
    public const nuint Default = 0;

    /// <summary><see cref="Handler"/>: nothing happens.</summary>
    public const nuint Ignore = 1;

    /// <summary>The handler gets the signal's details.</summary>
    public const int WithDetails = 4;

    /// <summary>The handler runs on the thread's stack for signals, if it has one.</summary>
    public const int OnSignalStack = 0x0800_0000;

    /// <summary>The handler serves once; the signal then does what it does by default.</summary>
    public const int Once = unchecked((int)0x8000_0000);

    /// <summary>Address of the handler, or one of the two values above.</summary>
    [FieldOffset(0)]
    public nuint Handler;

    /// <summary>Flags.</summary>
    [FieldOffset(136)]
    public int Flags;
}
