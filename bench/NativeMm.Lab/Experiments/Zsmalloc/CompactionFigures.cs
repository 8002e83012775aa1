namespace NativeMm.Lab.Experiments.Zsmalloc;

/// <summary>One compaction of a fragmented pool.</summary>
/// <param name="Nanoseconds">Until the last compactor was done.</param>
/// <param name="FramesBefore">Frames of the pool when it began.</param>
/// <param name="FramesFreed">Frames freed by it.</param>
/// <param name="BytesMoved">Bytes that it copied.</param>
/// <param name="WorkerOperationsPerSecond">What the workers did meanwhile.</param>
internal sealed record CompactionFigures(double Nanoseconds, long FramesBefore, long FramesFreed, long BytesMoved, double WorkerOperationsPerSecond);
