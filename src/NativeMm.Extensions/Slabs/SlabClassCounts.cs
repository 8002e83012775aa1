namespace NativeMm.Slabs;

/// <summary>A class in figures; blocks unless the name says bytes. Exact at rest.</summary>
/// <param name="BlockBytes">Size of a block.</param>
/// <param name="Rents">Handed out, ever.</param>
/// <param name="Returns">Taken back, ever.</param>
/// <param name="IdleResident">Free, with memory behind them.</param>
/// <param name="Blocks">All blocks of the slabs.</param>
/// <param name="Allocated">Handed out without memory behind them, ever.</param>
/// <param name="Evicted">Whose memory went back, ever.</param>
internal readonly record struct SlabClassCounts(
    int BlockBytes, long Rents, long Returns, long IdleResident, long Blocks, long Allocated, long Evicted);
