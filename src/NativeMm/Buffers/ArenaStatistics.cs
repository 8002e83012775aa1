namespace NativeMm.Buffers;

/// <summary>What an <see cref="Arena"/> holds.</summary>
/// <param name="AllocatedBytes">Bytes handed out and not taken back by Rewind or Reset, as asked for.</param>
/// <param name="PeakAllocatedBytes">The most that this ever was.</param>
/// <param name="ReservedBytes">Bytes in all chunks.</param>
/// <param name="Chunks">Number of chunks, those of single large requests included.</param>
public readonly record struct ArenaStatistics(long AllocatedBytes, long PeakAllocatedBytes, long ReservedBytes, int Chunks);
