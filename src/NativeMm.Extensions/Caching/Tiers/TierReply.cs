namespace NativeMm.Extensions;

/// <summary>How a call of a second tier ended.</summary>
internal enum TierReply
{
    /// <summary>It did what it was asked for; a read found an entry.</summary>
    Done,

    /// <summary>A read found none, or none that can be used.</summary>
    Missing,

    /// <summary>It threw, took too long, or was not asked.</summary>
    Failed,
}
