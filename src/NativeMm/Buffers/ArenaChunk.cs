namespace NativeMm.Buffers;

/// <summary>A block that an arena hands out in pieces.</summary>
/// <param name="Address">First byte.</param>
/// <param name="Bytes">Length.</param>
/// <param name="Single">It belongs to one large request and is not bumped.</param>
internal readonly record struct ArenaChunk(nuint Address, nuint Bytes, bool Single);
