namespace NativeMm.Extensions;

/// <summary>The live page.</summary>
public sealed class NativeMmPageOptions
{
    /// <summary>Whether the page may be mapped outside of Development without an authorization policy: behind a network of one's own, say. Default false.</summary>
    public bool AllowWithoutAuthorization { get; set; }
}
