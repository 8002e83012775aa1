using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Teardown;

/// <summary>Work whose steps find by themselves what is next: a piece is a number of turns, more than will ever be taken, and all end together.</summary>
/// <param name="workers">Who helps.</param>
/// <param name="work">The work.</param>
internal sealed class StepwiseJob(TeardownWorkers workers, IStepwiseWork work) : TeardownJob(workers)
{
    private const ulong Turns = 1UL << 62;

    /// <summary>Gets ready.</summary>
    /// <param name="bytes">About how much it is.</param>
    public void Begin(ulong bytes) => Begin(new WorkPiece(0, Turns), (long)bytes);

    /// <inheritdoc/>
    protected override bool TryBite(ref WorkPiece piece, out WorkPiece bite)
    {
        bite = piece with { End = piece.First + 1 };
        piece = piece with { First = piece.First + 1 };
        return !work.IsOver;
    }

    /// <inheritdoc/>
    protected override bool TrySplit(ref WorkPiece piece, out WorkPiece half)
    {
        ulong middle = piece.First + ((piece.End - piece.First) / 2);
        half = piece with { First = middle };
        if (work.IsOver || middle == piece.First)
        {
            return false;
        }

        piece = piece with { End = middle };
        return true;
    }

    /// <inheritdoc/>
    protected override StepDone Step(WorkPiece bite)
    {
        ulong bytes = work.Step(WidthMax);
        return new StepDone((long)(bytes >> Pfn.FrameShift), (long)bytes);
    }

    /// <inheritdoc/>
    /// <remarks>What was announced was an estimate.</remarks>
    protected override void Finish(bool isDone) => CorrectTotal(Progress.BytesDone - Progress.BytesTotal);
}
