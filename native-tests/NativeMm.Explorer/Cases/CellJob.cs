using NativeMm.Explorer.Running;
using NativeMm.Teardown;

namespace NativeMm.Explorer.Cases;

/// <summary>A job over a few cells, of which each must be done once, one a bite.</summary>
internal sealed class CellJob(TeardownWorkers workers, int cells) : TeardownJob(workers)
{
    private readonly Cell[] _cells = [.. Enumerable.Range(0, cells).Select(number => new Cell($"unit {number}"))];

    /// <summary>How often a unit was done.</summary>
    public int CountOf(int unit) => _cells[unit].Value;

    /// <summary>Begins with all of it.</summary>
    public void BeginAll() => Begin(new WorkPiece(0, (ulong)_cells.Length), 0);

    protected override bool TryBite(ref WorkPiece piece, out WorkPiece bite)
    {
        bite = piece with { End = piece.First + 1 };
        piece = piece with { First = piece.First + 1 };
        return true;
    }

    protected override bool TrySplit(ref WorkPiece piece, out WorkPiece half)
    {
        ulong middle = piece.First + ((piece.End - piece.First) / 2);
        half = piece with { First = middle };
        bool divides = middle > piece.First;
        piece = divides ? piece with { End = middle } : piece;
        half = divides ? half : default;
        return divides;
    }

    protected override StepDone Step(WorkPiece bite)
    {
        _cells[bite.First].Value++;
        return new StepDone(1, 1);
    }
}
