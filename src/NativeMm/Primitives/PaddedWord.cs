using System.Runtime.InteropServices;

namespace NativeMm.Primitives;

/// <summary>One word that shares its lines with nothing, wherever the structure lies: padding on both sides.</summary>
[StructLayout(LayoutKind.Explicit, Size = (2 * CacheLine.Isolation) + sizeof(ulong))]
internal struct PaddedWord
{
    /// <summary>The word.</summary>
    [FieldOffset(CacheLine.Isolation)]
    public ulong Value;
}
