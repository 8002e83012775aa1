namespace NativeMm.Vmap;

/// <summary>How pages that are taken lie in the free range that they come from.</summary>
internal enum RangeFit
{
    /// <summary>They are all of it.</summary>
    Full,

    /// <summary>They begin it; the rest is behind them.</summary>
    LeftEdge,

    /// <summary>They end it; the rest is before them.</summary>
    RightEdge,

    /// <summary>They lie inside; the range falls into two.</summary>
    Inside,
}
