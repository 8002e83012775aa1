namespace NativeMm.Extensions;

/// <summary>What this process knows of a key.</summary>
internal enum LocalAnswer
{
    /// <summary>It has the value.</summary>
    Hit,

    /// <summary>There is none.</summary>
    Miss,

    /// <summary>The second tier must be asked.</summary>
    Ask,
}
