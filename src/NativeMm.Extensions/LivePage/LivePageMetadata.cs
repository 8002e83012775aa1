namespace NativeMm.Extensions;

/// <summary>Marks an endpoint of the live page.</summary>
/// <param name="Path">The page's path.</param>
/// <param name="AllowWithoutAuthorization">As the option says.</param>
internal sealed record LivePageMetadata(string Path, bool AllowWithoutAuthorization);
