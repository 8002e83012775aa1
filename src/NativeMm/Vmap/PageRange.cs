namespace NativeMm.Vmap;

/// <summary>Pages of a window that lie side by side.</summary>
/// <param name="Start">First page, counted from the window's begin.</param>
/// <param name="Pages">How many, 1 or more.</param>
internal readonly record struct PageRange(uint Start, uint Pages)
{
    /// <summary>The page behind the last one.</summary>
    public uint End => Start + Pages;
}
