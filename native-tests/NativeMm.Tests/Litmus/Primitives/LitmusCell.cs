using System.Runtime.InteropServices;

namespace NativeMm.Tests.Litmus;

/// <summary>Two shared words on lines of their own, and what each side saw.</summary>
[StructLayout(LayoutKind.Explicit, Size = 512)]
public struct LitmusCell
{
    [FieldOffset(0)]
    public int X;

    [FieldOffset(128)]
    public int Y;

    [FieldOffset(256)]
    public int LeftSaw;

    [FieldOffset(384)]
    public int RightSaw;
}
