namespace NativeMm.Buffers;

/// <summary>Where an arena stood when a mark was taken, or several with nothing allocated in between.</summary>
/// <param name="Id">Never used twice in one arena, so a mark that was passed cannot be taken for a newer one.</param>
/// <param name="Marks">
/// How many marks of this place count; each knows how many came before it. A rewind to one takes away those after it. Their numbers are given anew:
/// to tell old and new ones apart, the arena would have to remember every one of them.
/// </param>
/// <param name="ChunkCount">Chunks there were.</param>
/// <param name="Current">Index of the chunk being bumped, −1 for none.</param>
/// <param name="Next">First free byte of it.</param>
/// <param name="AllocatedBytes">Bytes handed out.</param>
internal readonly record struct ArenaPosition(ulong Id, long Marks, int ChunkCount, int Current, nuint Next, long AllocatedBytes);
