using NativeMm.Frames;

namespace NativeMm.Teardown;

/// <summary>A chain of batches that a worker frees, batch by batch.</summary>
internal sealed unsafe class ChainJob(TeardownWorkers workers, IFrameAllocator frames, IFrameRelease release) : TeardownJob(workers, widthMax: 1)
{
    /// <inheritdoc/>
    internal override bool IsPart => true;

    /// <summary>Begins with a chain.</summary>
    public void Begin(ulong* chain) => Begin(new WorkPiece((ulong)chain, ulong.MaxValue), 0);

    /// <inheritdoc/>
    protected override bool TryBite(ref WorkPiece piece, out WorkPiece bite)
    {
        bite = piece;
        ulong* next = FrameBatches.NextOf((ulong*)piece.First);
        piece = next == null ? default : piece with { First = (ulong)next };
        return true;
    }

    /// <inheritdoc/>
    protected override bool TrySplit(ref WorkPiece piece, out WorkPiece half)
    {
        half = default;
        return false;
    }

    /// <inheritdoc/>
    protected override StepDone Step(WorkPiece bite) => new(FrameBatches.Free((ulong*)bite.First, frames, release), 0);
}
