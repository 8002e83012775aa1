namespace NativeMm.Lab.Traces;

/// <summary>What a trace file may ask for. A file beyond these is refused before any of it is performed.</summary>
internal static class TraceLimits
{
    /// <summary>Records of one trace: 1 GiB of them.</summary>
    public const uint RecordsMax = 1 << 26;

    /// <summary>Threads of one trace: the record keeps the number in a byte.</summary>
    public const uint ThreadsMax = 256;

    /// <summary>Largest alignment, as a logarithm: 2 MiB.</summary>
    public const int AlignmentLog2Max = 21;

    /// <summary>Bytes of one object.</summary>
    public const ulong ObjectBytesMax = 1UL << 36;

    /// <summary>Bytes that may be live at one moment.</summary>
    public const ulong LiveBytesMax = 1UL << 36;
}
