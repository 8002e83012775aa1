namespace NativeMm.Frames;

/// <summary>Where isolated blocks are, at one moment.</summary>
/// <param name="PutBacks">Grows whenever blocks come back.</param>
/// <param name="IsAnyOut">Whether any block is isolated, or about to be, or about to come back. Read before <paramref name="PutBacks"/>.</param>
internal readonly record struct IsolationMark(ulong PutBacks, bool IsAnyOut);
