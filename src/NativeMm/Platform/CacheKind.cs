namespace NativeMm.Platform;

/// <summary>What a processor cache holds.</summary>
internal enum CacheKind
{
    /// <summary>Data only.</summary>
    Data,

    /// <summary>Code only.</summary>
    Instruction,

    /// <summary>Both.</summary>
    Unified,
}
