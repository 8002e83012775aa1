using NativeMm.Primitives;

namespace NativeMm.Teardown;

/// <summary>
/// Work that is a row of places, such as ranges of addresses, each of so many units, such as frames: bites are taken from one place at a time, and a row is divided between
/// places first, so that one large place and many small ones are shared out alike.
/// </summary>
internal abstract class PlacesJob : TeardownJob
{
    // Places without units that one look passes over, under a spin lock.
    private const int LooksMax = 512;

    /// <summary>Makes a job that is not begun.</summary>
    protected PlacesJob(TeardownWorkers workers, int widthMax = 0)
        : base(workers, widthMax)
    {
    }

    /// <summary>All of the work.</summary>
    /// <param name="places">How many places there are.</param>
    protected static WorkPiece Row(uint places) => new(0, new PlacePoint(places, 0).Value);

    /// <summary>Units of a place; 0 when there is nothing to do. It may not change until the job has ended.</summary>
    protected abstract ulong UnitsOf(uint place);

    /// <summary>Where a bite ends.</summary>
    /// <param name="place">The place.</param>
    /// <param name="unit">Where it begins.</param>
    /// <param name="end">Where it must end at the latest.</param>
    protected abstract ulong BiteEnd(uint place, ulong unit, ulong end);

    /// <summary>Where to cut a place; a cut at an end says that it cannot be divided.</summary>
    /// <param name="place">The place.</param>
    /// <param name="unit">Where the piece begins.</param>
    /// <param name="end">Where the piece ends.</param>
    protected abstract ulong CutOf(uint place, ulong unit, ulong end);

    /// <summary>Does a bite.</summary>
    /// <param name="place">The place.</param>
    /// <param name="unit">Where it begins.</param>
    /// <param name="end">Where it ends.</param>
    protected abstract StepDone Release(uint place, ulong unit, ulong end);

    /// <inheritdoc/>
    protected sealed override bool TryBite(ref WorkPiece piece, out WorkPiece bite)
    {
        bite = default;
        if (!TrySkipEmpty(ref piece, out ulong end))
        {
            // Nothing here for long: the next bite looks on. An empty bite is a step that does nothing.
            return !piece.IsEmpty;
        }

        var first = new PlacePoint(piece.First);
        ulong taken = ulong.Clamp(BiteEnd(first.Place, first.Unit, end), first.Unit + 1, end) - first.Unit;
        bite = new WorkPiece(piece.First, piece.First + taken);
        piece = piece with { First = piece.First + taken };
        return true;
    }

    /// <inheritdoc/>
    protected sealed override bool TrySplit(ref WorkPiece piece, out WorkPiece half)
    {
        half = default;
        if (!TrySkipEmpty(ref piece, out ulong end))
        {
            return false;
        }

        var first = new PlacePoint(piece.First);
        uint last = new PlacePoint(piece.End - 1).Place;
        ulong cut = last > first.Place
            ? new PlacePoint(first.Place + ((last - first.Place + 1) / 2), 0).Value
            : new PlacePoint(first.Place, CutOf(first.Place, first.Unit, end)).Value;
        if (cut <= piece.First || cut >= piece.End)
        {
            return false;
        }

        half = piece with { First = cut };
        piece = piece with { End = cut };
        return true;
    }

    /// <inheritdoc/>
    protected sealed override StepDone Step(WorkPiece bite)
    {
        if (bite.IsEmpty)
        {
            return default;
        }

        var first = new PlacePoint(bite.First);
        return Release(first.Place, first.Unit, first.Unit + (bite.End - bite.First));
    }

    /// <summary>Moves the begin of a piece to the next unit that there is.</summary>
    /// <param name="piece">The piece.</param>
    /// <param name="end">End of the units of that place that belong to the piece.</param>
    /// <returns>False when the piece has none, or none was found yet.</returns>
    private bool TrySkipEmpty(ref WorkPiece piece, out ulong end)
    {
        end = 0;
        for (int look = 0; look < LooksMax && !piece.IsEmpty; look++)
        {
            var first = new PlacePoint(piece.First);
            var last = new PlacePoint(piece.End);
            end = UnitsOf(first.Place);
            end = last.Place == first.Place ? ulong.Min(end, last.Unit) : end;
            if (first.Unit < end)
            {
                return true;
            }

            piece = piece with { First = ulong.Min(piece.End, new PlacePoint(first.Place + 1, 0).Value) };
        }

        return false;
    }
}
