namespace NativeMm.Primitives;

/// <summary>Sizes that decide how data is laid out.</summary>
internal static class CacheLine
{
    /// <summary>Bytes of one cache line on x64 and on most arm64 cores.</summary>
    public const int Bytes = 64;

    /// <summary>Bytes to keep between two owners: two lines, because x64 prefetches lines in pairs and some arm64 cores have 128-byte lines.</summary>
    public const int Isolation = 128;
}
