using System.Runtime.InteropServices;

namespace NativeMm.Primitives;

/// <summary>
/// Bytes that nobody uses, as the last field of a small class of which there is one for each core: the runtime lays values behind references and numbers, so what is
/// allocated next begins on other lines.
/// </summary>
[StructLayout(LayoutKind.Sequential, Size = CacheLine.Isolation)]
internal readonly struct LineGap;
