namespace NativeMm.Tests.Faulty.Reporting;

/// <summary>What is free when a device fails.</summary>
public enum HoleSizes
{
    /// <summary>Blocks of 2 MiB.</summary>
    Blocks,

    /// <summary>Pieces of 64 KiB.</summary>
    Pieces,

    /// <summary>Both, and sizes between them.</summary>
    Mixed,
}
