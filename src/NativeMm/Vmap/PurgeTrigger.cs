namespace NativeMm.Vmap;

/// <summary>When freed ranges that are still mapped are unmapped.</summary>
public enum PurgeTrigger
{
    /// <summary>When they have more pages than <see cref="LazyPurgePolicy.LazyPagesMax"/>.</summary>
    Pages,

    /// <summary>When they have more pages and more pieces than the bounds: many small pieces delay a purge until their pages count.</summary>
    PagesAndPieces,

    /// <summary>When they have more pages or more pieces than the bounds: many small pieces bring a purge forward, which bounds its length.</summary>
    PagesOrPieces,
}
