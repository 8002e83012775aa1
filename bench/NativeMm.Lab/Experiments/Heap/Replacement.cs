namespace NativeMm.Lab.Experiments.Heap;

/// <summary>One step of a replacement workload.</summary>
/// <param name="Place">Which live block is freed.</param>
/// <param name="Bytes">Size of the block that takes its place.</param>
internal readonly record struct Replacement(int Place, int Bytes);
