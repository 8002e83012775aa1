using NativeMm.Teardown;

namespace NativeMm.Tests.Support.Teardown;

/// <summary>A job over numbers from 0 on: each must be done once. A step of the numbers that a test names throws.</summary>
internal sealed class CountingJob(TeardownWorkers workers, int numbers, int bite = 4, int widthMax = 0) : TeardownJob(workers, widthMax)
{
    private readonly int[] _counts = new int[numbers];

    /// <summary>Called at the begin of each step, beside the others.</summary>
    public Action<WorkPiece>? OnStep { get; set; }

    /// <summary>How often it was finished, and whether the last time all was done.</summary>
    public int Finished { get; private set; }

    public bool? WasDone { get; private set; }

    /// <summary>How often each number was done.</summary>
    public ReadOnlySpan<int> Counts => _counts;

    public int Done => _counts.Count(count => count == 1);

    /// <summary>All of it.</summary>
    public void BeginAll() => Begin(new WorkPiece(0, (ulong)_counts.Length), _counts.Length * 4096L);

    protected override bool TryBite(ref WorkPiece piece, out WorkPiece bite)
    {
        ulong end = ulong.Min(piece.End, piece.First + (ulong)BiteLength);
        (bite, piece) = (piece with { End = end }, piece with { First = end });
        return true;
    }

    protected override bool TrySplit(ref WorkPiece piece, out WorkPiece half)
    {
        half = default;
        ulong length = piece.End - piece.First;
        if (length <= (ulong)BiteLength)
        {
            return false;
        }

        ulong middle = piece.First + (length / 2);
        (half, piece) = (piece with { First = middle }, piece with { End = middle });
        return true;
    }

    protected override StepDone Step(WorkPiece bite)
    {
        OnStep?.Invoke(bite);
        for (ulong number = bite.First; number < bite.End; number++)
        {
            Interlocked.Increment(ref _counts[number]);
        }

        return new StepDone((long)(bite.End - bite.First), (long)(bite.End - bite.First) * 4096);
    }

    protected override void Finish(bool isDone) => (Finished, WasDone) = (Finished + 1, isDone);

    private int BiteLength { get; } = bite;
}
