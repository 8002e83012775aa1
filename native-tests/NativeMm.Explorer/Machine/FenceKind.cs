namespace NativeMm.Explorer.Machine;

/// <summary>What a fence orders.</summary>
internal enum FenceKind
{
    /// <summary>Earlier reads before everything later.</summary>
    Read,

    /// <summary>Everything earlier before later writes.</summary>
    Write,

    /// <summary>Everything.</summary>
    Full,
}
