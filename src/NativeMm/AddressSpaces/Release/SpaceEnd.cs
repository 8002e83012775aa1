using NativeMm.Teardown;

namespace NativeMm.AddressSpaces;

/// <summary>The end of a space on a thread of the workers. Others help it with the pages.</summary>
internal sealed class SpaceEnd : TeardownJob
{
    private readonly AddressSpace _space;
    private readonly Action? _before;
    private readonly Action? _behind;
    private readonly ReleaseEnd _end;

    private SpaceEnd(AddressSpace space, TeardownWorkers workers, Action? before, Action? behind)
        : base(workers, widthMax: 1)
    {
        _space = space;
        _before = before;
        _behind = behind;
        _end = new ReleaseEnd(this, progress: null, CancellationToken.None);
        Begin(new WorkPiece(0, 1), 0);
    }

    /// <inheritdoc/>
    internal override bool IsPart => true;

    /// <summary>Makes the job, begun; null without managed memory.</summary>
    public static SpaceEnd? TryMake(AddressSpace space, TeardownWorkers workers, Action? before, Action? behind)
    {
        try
        {
            return new SpaceEnd(space, workers, before, behind);
        }
        catch (OutOfMemoryException)
        {
            return null;
        }
    }

    /// <summary>Hands it over; where nobody takes it, it is done here.</summary>
    /// <returns>Ends with it.</returns>
    public Task BeginInBackground() => _end.Begin();

    /// <inheritdoc/>
    protected override bool TryBite(ref WorkPiece piece, out WorkPiece bite)
    {
        bite = piece;
        piece = default;
        return true;
    }

    /// <inheritdoc/>
    protected override bool TrySplit(ref WorkPiece piece, out WorkPiece half)
    {
        half = default;
        return false;
    }

    /// <inheritdoc/>
    protected override StepDone Step(WorkPiece bite)
    {
        _before?.Invoke();
        _space.Dispose();
        _behind?.Invoke();
        return default;
    }
}
