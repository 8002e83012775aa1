namespace NativeMm.Vmap;

/// <summary>What came of a purge.</summary>
/// <param name="Pages">Pages of address space that became free, guard pages among them.</param>
/// <param name="Frames">Frames that went back to their allocator: those of the pages that nobody holds or maps elsewhere.</param>
/// <param name="RefusedPieces">Pieces that the system refused to unmap. They wait for the next purge.</param>
internal readonly record struct PurgeYield(long Pages, long Frames, long RefusedPieces)
{
    /// <summary>Both together.</summary>
    public static PurgeYield operator +(PurgeYield left, PurgeYield right) =>
        new(left.Pages + right.Pages, left.Frames + right.Frames, left.RefusedPieces + right.RefusedPieces);
}
