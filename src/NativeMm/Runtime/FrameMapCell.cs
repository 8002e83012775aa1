namespace NativeMm.Runtime;

/// <summary>512 frames of a zone by who has them; approximate while others work.</summary>
/// <param name="Heap">In slabs of heaps.</param>
/// <param name="Zsmalloc">In zspages of pools.</param>
/// <param name="Vmap">In ranges of vmap, or kept by it.</param>
/// <param name="Other">In address spaces, otherwise in the hands of the program, or in lists of the cores.</param>
/// <param name="Free">Free, with memory behind them.</param>
/// <param name="Returned">Free, with the operating system.</param>
internal readonly record struct FrameMapCell(int Heap, int Zsmalloc, int Vmap, int Other, int Free, int Returned);
